#pragma once
// The two sets of kernels of the device backend.

#include "handgrad/device/system.hpp"

namespace support {

/// Chooses Thrust's kernels or the fast ones for a scope.
class Chosen {
public:
    explicit Chosen(handgrad::device::Algorithm algorithm) : before_(handgrad::device::algorithm()) {
        handgrad::device::set_algorithm(algorithm);
    }
    Chosen(const Chosen&) = delete;
    Chosen& operator=(const Chosen&) = delete;
    ~Chosen() { handgrad::device::set_algorithm(before_); }

private:
    handgrad::device::Algorithm before_;
};

} // namespace support
