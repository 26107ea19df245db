#pragma once
// A function that is to run on a GPU as well has to be marked for CUDA's compiler. For every other compiler the mark is
// nothing.
#ifdef __CUDACC__
#define ON_DEVICE __host__ __device__
#else
#define ON_DEVICE
#endif

// The sizes of a convolution without padding: N images of C channels and H x W pixels, K filters of R x S.
//
// They are ints, and not std::size_t as in the rest of this book: our functions find out by divisions which pixel they are
// at, and a GPU divides 32 bits several times as fast as 64.
struct ConvSizes {
    int N, C, H, W, K, R, S;

    ON_DEVICE int P() const { return H - R + 1; }
    ON_DEVICE int Q() const { return W - S + 1; }
    ON_DEVICE int x() const { return N * C * H * W; }                                // how many numbers x has
    ON_DEVICE int w() const { return K * C * R * S; }                                // and w
    ON_DEVICE int y() const { return N * K * P() * Q(); }                            // and y
    ON_DEVICE int pooled() const { return y() / P() / Q() * (P() / 2) * (Q() / 2); } // and y after 2 x 2 pooling
};
