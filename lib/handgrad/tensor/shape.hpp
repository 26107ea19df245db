#pragma once
/// @file
/// Shapes, without xtensor: the extents of an array, for kernels, contracts and messages.

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "handgrad/error.hpp"

namespace handgrad {

/// At most eight integers, stored in the object itself: every call of an operation creates and compares shapes, and
/// must not allocate memory for them. It has those members of std::vector that xtensor requires of a shape.
/// @tparam T type of one extent
/// @tparam Allocator not used; with a second parameter xtensor finds the type for another T, such as that of strides
template <class T, class Allocator = std::allocator<T>> class Extents {
public:
    using value_type = T;                                           ///< type of one extent
    using allocator_type = Allocator;                               ///< for xtensor
    using size_type = std::size_t;                                  ///< type of the rank
    using difference_type = std::ptrdiff_t;                         ///< distance between two extents
    using reference = T&;                                           ///< one extent
    using const_reference = const T&;                               ///< one extent
    using pointer = T*;                                             ///< to extents
    using const_pointer = const T*;                                 ///< to extents
    using iterator = T*;                                            ///< over the extents
    using const_iterator = const T*;                                ///< over the extents
    using reverse_iterator = std::reverse_iterator<iterator>;       ///< from the last to the first
    using const_reverse_iterator = std::reverse_iterator<const T*>; ///< from the last to the first

    static constexpr std::size_t most = 8; ///< the largest rank of a tensor

    Extents() = default;
    /// `rank` extents, each equal to `value`. @throws ShapeError for more than eight, as all functions below
    explicit Extents(std::size_t rank, T value = T()) { resize(rank, value); }
    /// The extents of the list.
    Extents(std::initializer_list<T> extents) : Extents(extents.begin(), extents.end()) {}
    /// Copies a range.
    template <class Iterator, class = typename std::iterator_traits<Iterator>::iterator_category>
    Extents(Iterator first, Iterator last) {
        assign(first, last);
    }
    /// Copies another container's extents, for example the shape of an xtensor expression.
    template <class Container, class = std::enable_if_t<!std::is_same_v<std::decay_t<Container>, Extents>>,
              class = decltype(std::begin(std::declval<const Container&>()))>
    Extents(const Container& extents) : Extents(std::begin(extents), std::end(extents)) {}

    /// Copies a range.
    template <class Iterator, class = typename std::iterator_traits<Iterator>::iterator_category>
    void assign(Iterator first, Iterator last) {
        clear();
        for (; first != last; ++first) { push_back(static_cast<T>(*first)); }
    }
    /// Changes the rank; each new extent is `value`.
    void resize(std::size_t rank, T value = T()) {
        require_rank_at_most(rank);
        for (std::size_t i = rank_; i < rank; ++i) { extents_[i] = value; }
        rank_ = rank;
    }
    /// Appends an extent.
    void push_back(T extent) {
        require_rank_at_most(rank_ + 1);
        extents_[rank_++] = extent;
    }
    void pop_back() { --rank_; } ///< removes the last extent
    void clear() { rank_ = 0; }  ///< removes all extents
    /// Removes the extent at the position.
    void erase(const_iterator position) {
        for (auto i = static_cast<std::size_t>(position - begin()); i + 1 < rank_; ++i) {
            extents_[i] = extents_[i + 1];
        }
        --rank_;
    }
    /// Inserts an extent before the position.
    void insert(const_iterator position, T extent) {
        const auto at = static_cast<std::size_t>(position - begin());
        push_back(extent);
        for (std::size_t i = rank_ - 1; i > at; --i) { extents_[i] = extents_[i - 1]; }
        extents_[at] = extent;
    }

    std::size_t size() const { return rank_; }                                      ///< the rank
    std::size_t max_size() const { return most; }                                   ///< the largest rank
    bool empty() const { return rank_ == 0; }                                       ///< whether the rank is 0
    T* data() { return extents_; }                                                  ///< the first extent
    const T* data() const { return extents_; }                                      ///< the first extent
    T& operator[](std::size_t i) { return extents_[i]; }                            ///< extent i
    const T& operator[](std::size_t i) const { return extents_[i]; }                ///< extent i
    T& front() { return extents_[0]; }                                              ///< the first extent
    const T& front() const { return extents_[0]; }                                  ///< the first extent
    T& back() { return extents_[rank_ - 1]; }                                       ///< the last extent
    const T& back() const { return extents_[rank_ - 1]; }                           ///< the last extent
    iterator begin() { return extents_; }                                           ///< iterates over the extents
    iterator end() { return extents_ + rank_; }                                     ///< iterates over the extents
    const_iterator begin() const { return extents_; }                               ///< iterates over the extents
    const_iterator end() const { return extents_ + rank_; }                         ///< iterates over the extents
    const_iterator cbegin() const { return begin(); }                               ///< iterates over the extents
    const_iterator cend() const { return end(); }                                   ///< iterates over the extents
    reverse_iterator rbegin() { return reverse_iterator(end()); }                   ///< from the last to the first
    reverse_iterator rend() { return reverse_iterator(begin()); }                   ///< from the last to the first
    const_reverse_iterator rbegin() const { return const_reverse_iterator(end()); } ///< from the last to the first
    const_reverse_iterator rend() const { return const_reverse_iterator(begin()); } ///< from the last to the first
    const_reverse_iterator crbegin() const { return rbegin(); }                     ///< from the last to the first
    const_reverse_iterator crend() const { return rend(); }                         ///< from the last to the first

    /// Whether both have the same rank and the same extents.
    friend bool operator==(const Extents& a, const Extents& b) {
        if (a.rank_ != b.rank_) { return false; }
        for (std::size_t i = 0; i < a.rank_; ++i) {
            if (a.extents_[i] != b.extents_[i]) { return false; }
        }
        return true;
    }
    /// Whether they differ.
    friend bool operator!=(const Extents& a, const Extents& b) { return !(a == b); }

private:
    static void require_rank_at_most(std::size_t rank) {
        if (rank > most) { throw ShapeError("a tensor has at most 8 dimensions, not " + std::to_string(rank)); }
    }

    T extents_[most] = {};
    std::size_t rank_ = 0;
};

/// The extents of a tensor, outermost first.
using Shape = Extents<std::size_t>;

/// The number of entries of a tensor of this shape: the product of the extents.
inline std::size_t count(const Shape& shape) {
    std::size_t numbers = 1;
    for (const std::size_t extent : shape) { numbers *= extent; }
    return numbers;
}

/// Returns the shape with its last extent replaced by `last`: the shape of a linear layer's result for an x of shape
/// (N, D_in) or (B, T, D_in). The shape must have at least one dimension.
inline Shape with_last(Shape shape, std::size_t last) {
    shape.back() = last;
    return shape;
}

/// Returns the shape without its last extent: the shape of a tensor with one number for each row. The shape must have
/// at least one dimension.
inline Shape without_last(Shape shape) {
    shape.pop_back();
    return shape;
}

/// The number as the caller wrote it: a -1 that was converted to std::size_t, 18446744073709551615, is "-1" again.
std::string as_written(std::size_t number);

/// "(64, 784)", as Python prints a shape; "(5,)" for one dimension, "()" for a scalar.
std::string to_string(const Shape& shape);

/// Throws ShapeError unless `shape` is exactly `expected`: "linear_forward: b has shape (3,), expected (10,)".
void require_shape(std::string_view where, std::string_view what, const Shape& shape, const Shape& expected);

/// Throws ShapeError unless the number of dimensions equals that of `letters`. The message quotes the letters:
/// require_rank("linear_forward", "w", w.shape(), {"D_in", "D_out"}).
void require_rank(std::string_view where, std::string_view what, const Shape& shape,
                  std::initializer_list<std::string_view> letters);

/// Throws ShapeError unless the shape has a last axis, which holds the features:
/// "linear_forward: x has shape (), expected (..., D_in)".
void require_rows(std::string_view where, std::string_view what, const Shape& shape, std::string_view last);

/// Throws ShapeError unless x and `shape` have the same number of entries, as a view must:
/// "show: x has shape (2, 3), expected 8 numbers for shape (2, 4)".
void require_same_size(std::string_view where, const Shape& x, const Shape& shape);

/// Throws ShapeError for a number less than `least`, or one that was negative before its conversion to std::size_t:
/// "DataLoader: batch_size is -1, expected at least 1".
void require_at_least(std::string_view where, std::string_view what, std::size_t number, std::size_t least);

} // namespace handgrad
