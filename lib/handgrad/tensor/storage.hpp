#pragma once
/// @file
/// The memory of a tensor on the host, which xtensor's container uses.

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "handgrad/error.hpp"
#include "handgrad/tensor/version.hpp"

namespace handgrad {

/// Allocates memory aligned to 64 bytes: a cache line, and the widest SIMD register.
template <class T> struct AlignedAllocator {
    using value_type = T; ///< type of one number
    AlignedAllocator() = default;
    /// From an allocator of another type. Allocators have no state.
    template <class U> AlignedAllocator(const AlignedAllocator<U>&) {}
    /// Memory for n numbers. @throws std::bad_alloc
    T* allocate(std::size_t n) {
        if (n > static_cast<std::size_t>(-1) / 2 / sizeof(T)) { throw std::bad_alloc(); }
        return static_cast<T*>(::operator new(n * sizeof(T), std::align_val_t(64)));
    }
    void deallocate(T* memory, std::size_t) noexcept { ::operator delete(memory, std::align_val_t(64)); } ///< frees it
    /// Allocators have no state: all are equal.
    friend bool operator==(const AlignedAllocator&, const AlignedAllocator&) { return true; }
    /// Allocators have no state: all are equal.
    friend bool operator!=(const AlignedAllocator&, const AlignedAllocator&) { return false; }
};

/// The numbers of a tensor: either its own, or those of another tensor; then it is a view.
///
/// Its own memory grows and never shrinks, so a tensor that is resized for the last, smaller mini-batch and back again
/// allocates nothing. A view cannot be resized; assignment to it overwrites the numbers that it shows. Every access
/// that could change a number counts as a change of the tensor (version.hpp).
/// @tparam Allocator not used to allocate; xtensor derives the container of another number type from it
template <class T, class Allocator = AlignedAllocator<T>> class Storage {
public:
    using value_type = T;                                           ///< type of one number
    using allocator_type = Allocator;                               ///< allocator of the tensor's own memory
    using size_type = std::size_t;                                  ///< type of a count
    using difference_type = std::ptrdiff_t;                         ///< distance between two numbers
    using reference = T&;                                           ///< a number
    using const_reference = const T&;                               ///< a number
    using pointer = T*;                                             ///< to numbers
    using const_pointer = const T*;                                 ///< to numbers
    using iterator = T*;                                            ///< over the numbers
    using const_iterator = const T*;                                ///< over the numbers
    using reverse_iterator = std::reverse_iterator<T*>;             ///< from the last to the first
    using const_reverse_iterator = std::reverse_iterator<const T*>; ///< from the last to the first

    Storage() = default;
    /// `size` numbers, each equal to `value`.
    explicit Storage(std::size_t size, T value = T()) : own_(size, value) { use_own(); }
    /// The numbers of the list.
    Storage(std::initializer_list<T> numbers) : own_(numbers) { use_own(); }
    /// A copy of a range.
    template <class Iterator, class = typename std::iterator_traits<Iterator>::iterator_category>
    Storage(Iterator first, Iterator last) : own_(first, last) {
        use_own();
    }
    /// A copy with memory of its own, even if the other one is a view.
    Storage(const Storage& other) : own_(other.begin(), other.end()) { use_own(); }
    /// Moves the memory. The result is a view if the other one is a view.
    Storage(Storage&& other) noexcept { take(other); }
    /// Copies the numbers. @throws ShapeError for a view of another size
    Storage& operator=(const Storage& other) {
        if (this != &other) {
            resize(other.size_);
            std::copy_n(other.data_, size_, data_);
            version_.changed();
        }
        return *this;
    }
    /// Moves the memory; if this is a view, copies the numbers. @throws ShapeError for a view of another size
    Storage& operator=(Storage&& other) {
        if (is_view()) { return *this = std::as_const(other); }
        if (this != &other) {
            version_.changed();
            take(other);
        }
        return *this;
    }
    ~Storage() = default;

    /// Changes the size. New numbers are T(). The others keep their values.
    /// @throws ShapeError for a view of another size
    void resize(std::size_t size) {
        if (size == size_) { return; }
        if (is_view()) {
            throw ShapeError("a view of " + std::to_string(size_) + " numbers cannot have " + std::to_string(size));
        }
        version_.changed();
        own_.resize(size);
        use_own();
    }

    /// Makes this a view of the numbers of another tensor, and frees its own memory.
    void show(const Storage& other) {
        if (this == &other) { return; }
        own_ = {};
        data_ = const_cast<T*>(other.data_); // a view of a const tensor is const as well
        size_ = other.size_;
        version_.follow(other.version_);
    }
    bool is_view() const { return data_ != own_.data(); } ///< whether the numbers belong to another tensor

    const Version& version() const { return version_; }          ///< counts changes
    std::size_t size() const noexcept { return size_; }          ///< number of entries
    std::size_t capacity() const { return own_.capacity(); }     ///< number of entries for which there is memory
    std::size_t max_size() const { return own_.max_size(); }     ///< largest number of entries
    bool empty() const noexcept { return size_ == 0; }           ///< whether the size is 0
    allocator_type get_allocator() const { return Allocator(); } ///< allocator of the tensor's own memory

    T* data() noexcept { return changing(); }                              ///< the first number
    const T* data() const noexcept { return data_; }                       ///< the first number
    T& operator[](std::size_t i) { return changing()[i]; }                 ///< number i
    const T& operator[](std::size_t i) const { return data_[i]; }          ///< number i
    T& front() { return *changing(); }                                     ///< the first number
    const T& front() const { return *data_; }                              ///< the first number
    T& back() { return changing()[size_ - 1]; }                            ///< the last number
    const T& back() const { return data_[size_ - 1]; }                     ///< the last number
    T* begin() noexcept { return changing(); }                             ///< iterates over the numbers
    T* end() noexcept { return data_ + size_; }                            ///< iterates over the numbers
    const T* begin() const noexcept { return data_; }                      ///< iterates over the numbers
    const T* end() const noexcept { return data_ + size_; }                ///< iterates over the numbers
    const T* cbegin() const noexcept { return begin(); }                   ///< iterates over the numbers
    const T* cend() const noexcept { return end(); }                       ///< iterates over the numbers
    reverse_iterator rbegin() { return reverse_iterator(data() + size_); } ///< from the last
    reverse_iterator rend() { return reverse_iterator(data()); }           ///< from the last
    const_reverse_iterator rbegin() const { return const_reverse_iterator(data_ + size_); } ///< from the last
    const_reverse_iterator rend() const { return const_reverse_iterator(data_); }           ///< from the last

    /// Exchanges the numbers of two tensors.
    void swap(Storage& other) noexcept {
        Storage third(std::move(other));
        other.take(*this);
        take(third);
    }
    /// Exchanges the numbers of two tensors.
    friend void swap(Storage& a, Storage& b) noexcept { a.swap(b); }

    /// Whether both have the same numbers.
    friend bool operator==(const Storage& a, const Storage& b) {
        return a.size_ == b.size_ && std::equal(a.begin(), a.end(), b.begin());
    }
    /// Whether they differ.
    friend bool operator!=(const Storage& a, const Storage& b) { return !(a == b); }

private:
    T* changing() noexcept {
        version_.changed();
        return data_;
    }
    void use_own() {
        data_ = own_.data();
        size_ = own_.size();
    }
    void take(Storage& other) noexcept {
        const bool view = other.is_view();
        own_ = std::move(other.own_);
        data_ = other.data_;
        size_ = other.size_;
        if (view) { version_.follow(other.version_); }
        other.version_.gone();
        other.own_ = {};
        other.use_own();
    }

    std::vector<T, AlignedAllocator<T>> own_;
    T* data_ = nullptr;
    std::size_t size_ = 0;
    Version version_;
};

} // namespace handgrad
