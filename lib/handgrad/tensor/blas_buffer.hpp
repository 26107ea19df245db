#pragma once
// The memory that OpenBLAS needs for a matrix product.

namespace handgrad::cpu {

/// Allows one call of OpenBLAS while it lives. OpenBLAS takes a buffer of 128 MiB for each call that runs at the same
/// time and keeps it for later calls. If the system refuses the memory, OpenBLAS asks again for ever; if more than 256
/// buffers are in use (Debian's build), it warns, and above 768 it aborts. So where `ulimit` limits the memory, the
/// first object has OpenBLAS take one buffer, and only one object lives at a time: the others wait. With more than 128
/// threads, 128 live at a time. Otherwise an object does nothing.
class BlasBuffer {
public:
    BlasBuffer(); ///< throws std::runtime_error if there is no memory for a single buffer
    ~BlasBuffer();
    BlasBuffer(BlasBuffer&&) = delete; ///< it counts itself

private:
    bool counted_;
};

} // namespace handgrad::cpu
