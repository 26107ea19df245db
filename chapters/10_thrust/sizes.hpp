#pragma once
// A function that runs on a GPU as well has to be marked for CUDA's compiler. For every other
// compiler the mark is empty.
#ifdef __CUDACC__
#define ON_DEVICE __host__ __device__
#else
#define ON_DEVICE
#endif

// The sizes of a convolution without padding: N images of C_in channels and H x W pixels, C_out
// filters of R x S.
//
// They are ints, and not std::size_t as in the rest of this book. Our functions find by division
// which pixel they belong to, and a GPU divides 32-bit numbers several times as fast as 64-bit
// ones.
struct ConvSizes {
    int N, C_in, H, W, C_out, R, S;

    ON_DEVICE int P() const { return H - R + 1; }
    ON_DEVICE int Q() const { return W - S + 1; }
    // How many numbers x, w and y have, and y after pooling by 2 x 2.
    ON_DEVICE int x() const { return N * C_in * H * W; }
    ON_DEVICE int w() const { return C_out * C_in * R * S; }
    ON_DEVICE int y() const { return N * C_out * P() * Q(); }
    ON_DEVICE int pooled() const { return N * C_out * (P() / 2) * (Q() / 2); }
};
