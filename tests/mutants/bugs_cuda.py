"""Bugs in what only CUDA compiles. tests/gpu runs it on the CPU, and so does handgrad_mutants_on_host, which looks for data
races as well: the names of these bugs begin with "cuda-"."""
from mutants import bug

LIB = "lib/handgrad/"


BUGS = {
    LIB + "device/cuda_tiles.hpp": [
        bug("cuda-tiles-no-first-barrier", "Tiles: a thread multiplies before the others have loaded the tile",
            "<|__syncthreads();|> for (int l = 0; l < depth_step; ++l)", ""),
        bug("cuda-tiles-no-second-barrier", "Tiles: a thread loads the next tile while others multiply",
            "<|__syncthreads();|> } for (int j = 0; j < side; ++j)", ""),
        bug("cuda-tiles-a-edge", "Tiles: rows below the last one are read",
            "l < depth && <|r < problem.rows()|> ? problem.a(z, r, l)", "true"),
        bug("cuda-tiles-b-edge", "Tiles: columns after the last one are read",
            "l < depth && <|c < problem.columns()|> ? problem.b(z, l, c)", "true"),
        bug("cuda-tiles-depth-edge", "Tiles: the last step of the depth runs beyond the sum's end",
            "= <|l < depth|> && r < problem.rows() ?", "true"),
        bug("cuda-tiles-store-edge", "Tiles: columns after the last one are stored",
            "if (r < problem.rows() && <|c < problem.columns()|>) { problem.store", "true"),
        bug("cuda-tiles-row-and-column", "Tiles: an entry is stored in the row of another one",
            "r = first_row + row + <|i|> * (Rows / side), c", "j"),
        bug("cuda-tiles-blocks-swapped", "Tiles: the block's row and column are exchanged",
            "static_cast<int>(<|blockIdx.x|>) * Rows", "blockIdx.y",
            "static_cast<int>(<|blockIdx.y|>) * Columns", "blockIdx.x"),
        bug("cuda-tiles-rounded-down", "Tiles: no block computes the last columns if they do not fill one",
            "static_cast<unsigned>(<|(problem.columns() + Columns - 1) / Columns|>)", "problem.columns() / Columns"),
        bug("cuda-tiles-first-step", "Tiles: the first step of the depth is left out",
            "for (int l0 = <|0|>; l0 < depth;", "depth_step"),
    ],
    LIB + "ops/conv2d/cuda_tiles.hpp": [
        bug("cuda-conv-no-edge", "Convolution on a GPU: the row before is read where a window reaches over the image's edge",
            "const int c = group * e.group_in() + tap / e.columns.kernel / e.rows.kernel; "
            "const int i = e.rows.pixel(p, r), j = e.columns.pixel(q, s); "
            "if (!e.rows.inside(i) || <|!e.columns.inside(j)|>)", "false"),
        bug("cuda-conv-weights-of-first-group", "Convolution on a GPU: every group has the first one's weights",
            "w.data[(<|group * e.group_out()|> + column) * depth(group) + tap]", "0"),
        bug("cuda-conv-infinity-in-padding", "Convolution on a GPU: an infinite weight in the padding makes NaN",
            "y.data[item] = <|sum != sum|> ?", "false"),
        bug("cuda-conv-dx-beside-windows", "Convolution on a GPU: dx takes a window that is not there",
            "return p < 0 || <|q < 0|> ? T(0)", "false"),
        bug("cuda-conv-dx-taps-swapped", "Convolution on a GPU: dx takes a tap's row from the kernel's height",
            "r = tap / <|e.columns.kernel|> % e.rows.kernel; const int k", "e.rows.kernel"),
        bug("cuda-conv-dw-number-of-part", "Convolution on a GPU: a part of the batch begins at the part's number",
            "const int n = <|batch.begin(z / e.groups)|> + l / e.columns.windows", "z / e.groups"),
        bug("cuda-conv-dw-first-group", "Convolution on a GPU: dW of every group from the first one's dy",
            "dy.data[(n * e.K + <|z % e.groups|> * e.group_out() + column)", "0"),
    ],
    LIB + "device/cublas.hpp": [
        bug("cuda-gemm-transposes-swapped", "cuBLAS: the wrong one of the matrices is transposed",
            "gemm(<|transpose_b|> ? CUBLAS_OP_T", "transpose_a",
            "CUBLAS_OP_N, <|transpose_a|> ? CUBLAS_OP_T", "transpose_b"),
        bug("cuda-gemm-leading-b", "cuBLAS: b's leading dimension is that of its transpose",
            "number(<|transpose_b ? k : n|>)", "transpose_b ? n : k"),
        bug("cuda-gemm-leading-a", "cuBLAS: a's leading dimension is that of its transpose",
            "number(<|transpose_a ? m : k|>)", "transpose_a ? k : m"),
        bug("cuda-gemm-leading-c", "cuBLAS: c's leading dimension is its number of rows",
            "&beta, c, number(<|n|>)", "m"),
        bug("cuda-gemm-leading-zero", "cuBLAS: the leading dimension of an empty matrix is 0",
            "static_cast<int>(<|i > 0 ? i : 1|>)", "i"),
        bug("cuda-gemm-extents-swapped", "cuBLAS: the result's rows and columns are exchanged",
            "static_cast<int>(<|n|>), static_cast<int>(m)", "m",
            "static_cast<int>(n), static_cast<int>(<|m|>)", "n"),
        bug("cuda-gemm-operands-swapped", "cuBLAS: a b instead of b a for column-major matrices",
            "&one, <|b|>, number", "a", "number(transpose_b ? k : n), <|a|>, number", "b"),
    ],
    LIB + "ops/linear/device.cpp": [
        bug("cuda-linear-no-bias", "Linear on a GPU: the product overwrites the bias",
            "x.data, w.data, <|T(1)|>, y.data", "T(0)"),
        bug("cuda-linear-dx-transposed", "Linear on a GPU: dx from W instead of its transpose",
            "row_major_gemm(false, <|true|>, dx.rows", "false"),
        bug("cuda-linear-dw-overwrites", "Linear on a GPU: dW overwrites where it should be added to",
            "T(<|add ? 1 : 0|>), dw.data", "0"),
    ],
}
