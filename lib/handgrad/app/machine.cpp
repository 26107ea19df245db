#include "machine.hpp"

#include <sstream>

#include <cblas.h>
#include <fmt/format.h>
#include <xsimd/xsimd.hpp>

#include "handgrad/device/system.hpp"
#include "handgrad/version.hpp"

namespace handgrad::app {

std::string machine_line(const std::string& chosen, int threads, unsigned long seed) {
    // "OpenBLAS 0.3.21 NO_LAPACKE DYNAMIC_ARCH ...": two words suffice; which kernels it took decides the last bits.
    std::istringstream config(openblas_get_config());
    std::string library, release;
    config >> library >> release;
    const std::string computes = chosen == "thrust" ? device::description() : chosen;
    return fmt::format("handgrad {} | {} | {} {} {} | xsimd {} | {} thread{} | seed {}", version(), computes, library,
                       release, openblas_get_corename(), xsimd::default_arch::name(), threads, threads == 1 ? "" : "s",
                       seed);
}

} // namespace handgrad::app
