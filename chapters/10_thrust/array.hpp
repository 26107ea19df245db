#pragma once
// Numbers in the memory of a System. The destructor releases the memory.

#include <cstddef>
#include <vector>

#include "system.hpp"

template <class T> class Array {
public:
    Array(System& system, std::size_t n)
        : system_(&system), n_(n),
          data_(static_cast<T*>(system.allocate(bytes()))) {}
    Array(System& system, const std::vector<T>& numbers)
        : Array(system, numbers.size()) {
        system.copy_in(numbers.data(), data_, bytes());
    }
    Array(const Array&) = delete;
    Array& operator=(const Array&) = delete;
    ~Array() { system_->release(data_); }

    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return n_; }

    std::vector<T> numbers() const { // a copy on the host
        std::vector<T> result(n_);
        system_->copy_out(data_, result.data(), bytes());
        return result;
    }

private:
    std::size_t bytes() const { return n_ * sizeof(T); }

    System* system_;
    std::size_t n_;
    T* data_;
};
