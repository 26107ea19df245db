#pragma once
// The chapters of the book, in their order, and what each program prints when it has finished.

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace handgrad::app {

/// Folders of the chapters, in the order of the book. This is the only list of them in C++; a test compares it with the
/// folders.
inline constexpr std::array<std::string_view, 17> chapters{"01_mnist_data",
                                                           "02_forward_pass",
                                                           "03_batched_matmul",
                                                           "04_linear_classifier",
                                                           "05_two_layer_net",
                                                           "06_gradient_checking",
                                                           "07_sgd",
                                                           "08_mnist_two_layer",
                                                           "09_cnn",
                                                           "10_thrust",
                                                           "11_initialisation",
                                                           "12_normalisation",
                                                           "13_residual",
                                                           "14_what_it_looks_at",
                                                           "15_next_letter",
                                                           "16_memory",
                                                           "17_gpt"};

/// Returns the lines that end a chapter's output: the folder `out` with the figures, the chapter's page, and the next
/// chapter. Empty for a program that is not a chapter.
std::string closing_lines(std::string_view name, const std::filesystem::path& out);

} // namespace handgrad::app
