#pragma once
// Prints small tensors, so that a case of an exercise can be followed by hand.

#include <string>
#include <vector>

#include "handgrad/tensor/tensor.hpp"

namespace handgrad::check {

/// One line of the listing of a case: a label and a tensor or a text.
struct Listed {
    std::string label;
    Tensor<double> value;      ///< not used if there is a text
    std::string text;          ///< printed in place of a tensor
    std::vector<bool> starred; ///< the entries to be followed by "*"; empty: none
};

/// Lists the values one below the other, each matrix of the last two axes as rows. Labels and entries are aligned.
std::string list_values(const std::vector<Listed>& values);

} // namespace handgrad::check
