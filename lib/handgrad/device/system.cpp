#include "handgrad/device/system.hpp"

#include <atomic>
#include <stdexcept>

#include "handgrad/device/kernels.hpp"

namespace handgrad::device {
namespace {

std::atomic<Algorithm>& choice() {
    static std::atomic<Algorithm> chosen{Algorithm::fast};
    return chosen;
}

} // namespace

std::string system_name() { return kernels::system_name(); }
bool is_gpu() { return kernels::is_gpu(); }
bool is_available() { return kernels::why_not_available().empty(); }
std::string description() { return kernels::description(); }

void require_available() {
    const std::string why = kernels::why_not_available();
    if (!why.empty()) {
        throw std::runtime_error("--device thrust: " +
                                 (is_gpu() ? "this program was built for CUDA, and no GPU can be used: " + why : why));
    }
}

void synchronize() { kernels::synchronize(); }

Algorithm algorithm() { return choice(); }
void set_algorithm(Algorithm chosen) { choice() = chosen; }

} // namespace handgrad::device
