#pragma once
// How fast operations are beside what the machine could do.

#include <filesystem>
#include <string>
#include <vector>

namespace handgrad::benchmarks {

/// An operation as it was measured.
struct Row {
    std::string name;
    double seconds, flops, bytes; ///< a call; operations and bytes a second, 0 where not counted

    bool is_of_cnn() const { return name.rfind("cnn: ", 0) == 0; }
    /// Operations for each byte that must be moved, 0 where not counted.
    double intensity() const { return flops > 0 && bytes > 0 ? flops / bytes : 0; }
};

/// What the machine can do on one thread.
struct Machine {
    double flops;  ///< operations a second, by sgemm
    double cache;  ///< bytes a second, copying within the second-level cache
    double memory; ///< bytes a second, copying in the memory
};

/// Draws the roofline diagram of the CNN's operations, roofline.svg and its kind: operations a second over intensity,
/// beneath the lines that arithmetic, cache and memory set. S. Williams, A. Waterman, D. Patterson, "Roofline: an
/// insightful visual performance model for multicore architectures", Communications of the ACM 52 (2009).
void draw_roofline(const std::vector<Row>& rows, const Machine& machine, const std::filesystem::path& out);

} // namespace handgrad::benchmarks
