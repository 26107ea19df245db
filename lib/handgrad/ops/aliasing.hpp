#pragma once
/// @file
/// # Results in place
///
/// An operation writes its result into a tensor of the caller's. May that tensor be one of the arguments? Only where an
/// entry of the result needs no other entry than the one that it replaces, or all of them have been read before:
///
/// | operation | what the result may replace |
/// | --------- | --------------------------- |
/// | relu, sigmoid, tanh forward  | y may be x |
/// | relu, sigmoid, tanh backward | dx may be dy, x (of relu) or y (of the others) |
/// | softmax forward | p may be z |
/// | softmax backward | dz may be dp or p |
/// | cross_entropy backward | dz may be p |
/// | l2_penalty backward | dw may be w, overwritten or added to |
/// | sgd_step | p is overwritten, and g may be p; v is neither |
///
/// flatten makes its result a view of its argument. Everywhere else a result has memory of its own: linear, conv2d, both
/// poolings, conv2d_relu_max_pool2d and cross_entropy forward throw AliasError where it shares memory with an argument, or with another result, and change
/// nothing. Two arguments that are only read may always be the same tensor.

#include <cstddef>
#include <functional>
#include <initializer_list>
#include <string_view>

#include "handgrad/error.hpp"

namespace handgrad {

/// A tensor of any backend: its name in messages and its place in memory.
class NamedTensor {
public:
    /// @param name as the contract calls it @param tensor need not live longer than this
    template <class AnyTensor> NamedTensor(std::string_view name, const AnyTensor& tensor)
        : name_(name), tensor_(&tensor), begin_(reinterpret_cast<const char*>(tensor.data())),
          end_(begin_ + tensor.size() * sizeof(typename AnyTensor::value_type)) {}

    std::string_view name() const { return name_; } ///< as the contract calls it

    /// Whether both are the same tensor, be it empty, or have a byte in common.
    bool overlaps(const NamedTensor& other) const {
        const std::less<const char*> before; // pointers into different arrays, too
        const bool one_starts_in_other = before(begin_, other.end_) && before(other.begin_, end_);
        return tensor_ == other.tensor_ || (one_starts_in_other && begin_ != end_ && other.begin_ != other.end_);
    }

private:
    std::string_view name_;
    const void* tensor_;
    const char* begin_;
    const char* end_;
};

/// Throws AliasError: "linear_forward: y shares memory with x, expected a tensor of its own".
[[noreturn]] void refuse_overlap(std::string_view where, const NamedTensor& result, const NamedTensor& other);

/// Throws AliasError where a result shares memory with an argument or with another result. A few comparisons of
/// pointers.
inline void require_apart(std::string_view where, const NamedTensor& result,
                          std::initializer_list<NamedTensor> others) {
    for (const NamedTensor& other : others) {
        if (result.overlaps(other)) { refuse_overlap(where, result, other); }
    }
}

} // namespace handgrad
