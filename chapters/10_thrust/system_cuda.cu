// CUDA: a GPU. It has memory of its own and works on its own: starting an algorithm only puts a
// *kernel* into a queue, called a *stream*, and the program goes on. The kernels of a stream run in
// order.

#include <stdexcept>

#include <cuda_runtime_api.h>
#include <thrust/system/cuda/execution_policy.h>

#include "thrust_system.hpp"

namespace {

void check(cudaError_t status, const char* what) {
    if (status != cudaSuccess) {
        throw std::runtime_error(std::string("CUDA: ") + what + ": " +
                                 cudaGetErrorString(status));
    }
}

// ### One start for a whole step
//
// Starting a kernel takes some microseconds, and a step for a small batch has dozens of kernels
// that take no longer. A *graph* is a list of recorded kernels, and starting all of them is one
// call. The arguments of a recorded kernel are fixed, so whatever changes from step to step has to
// be in the GPU's memory. That is why `first` and the losses are there, and why the last kernel of
// a step changes `first`.
class Graph : public Recording {
public:
    Graph(cudaStream_t stream, const std::function<void()>& work)
        : stream_(stream) {
        cudaGraph_t recorded = nullptr;
        check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal),
              "starting to record");
        try {
            work();
        } catch (...) { // do not leave the stream recording
            cudaStreamEndCapture(stream, &recorded);
            throw;
        }
        check(cudaStreamEndCapture(stream, &recorded), "recording");
        const cudaError_t status = cudaGraphInstantiate(&graph_, recorded, 0);
        cudaGraphDestroy(recorded);
        check(status, "making a graph");
        replay(); // recording did not run the kernels
    }
    Graph(const Graph&) = delete;
    Graph& operator=(const Graph&) = delete;
    ~Graph() override { cudaGraphExecDestroy(graph_); }
    void replay() override {
        check(cudaGraphLaunch(graph_, stream_), "starting a graph");
    }

private:
    cudaStream_t stream_;
    cudaGraphExec_t graph_ = nullptr;
};

// ### Occupancy
//
// `tabulate` runs a kernel like this one: a thread for each item, threads grouped into blocks,
// blocks distributed to the multiprocessors. A multiprocessor has a fixed number of registers,
// which limits how many threads are resident in it. While some threads wait for memory others
// compute, so many are better.
template <class Item>
__global__ void one_thread_an_item(Item item, float* y, int n) {
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < n) { y[i] = item(i); }
}

struct ReluItem {
    const float* x;
    __device__ float operator()(int i) const { return Relu{}(x[i]); }
};

template <class Item> KernelUse use_of(const char* name, int room) {
    constexpr int threads = 256;
    const auto kernel = one_thread_an_item<Item>;
    cudaFuncAttributes attributes;
    check(cudaFuncGetAttributes(&attributes, kernel), name);
    int blocks = 0;
    check(cudaOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, kernel,
                                                        threads, 0),
          name);
    return {name, attributes.numRegs, threads,
            static_cast<double>(blocks * threads) / room};
}

struct Cuda {
    cudaStream_t stream = nullptr;
    cudaDeviceProp properties;

    Cuda() {
        check(cudaGetDeviceProperties(&properties, 0), "looking for a GPU");
        check(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking),
              "making a stream");
    }
    Cuda(const Cuda&) = delete;
    Cuda& operator=(const Cuda&) = delete;
    ~Cuda() { cudaStreamDestroy(stream); }

    static std::string name() { return "CUDA"; }
    std::string hardware() const {
        return std::string(properties.name) + ", " +
               std::to_string(properties.multiProcessorCount) +
               " multiprocessors";
    }
    double at_a_time() const {
        return static_cast<double>(properties.multiProcessorCount) *
               properties.maxThreadsPerMultiProcessor;
    }
    // par_nosync: put the kernel into the stream and do not wait for it.
    auto policy() const { return thrust::cuda::par_nosync.on(stream); }

    void* allocate(std::size_t bytes) const {
        void* memory = nullptr;
        check(cudaMalloc(&memory, bytes), "allocating memory");
        return memory;
    }
    void release(void* memory) const noexcept { cudaFree(memory); }
    void copy_in(const void* from, void* to, std::size_t bytes) const {
        check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyHostToDevice, stream),
              "copying to the GPU");
        wait();
    }
    void copy_out(const void* from, void* to, std::size_t bytes) const {
        check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToHost, stream),
              "copying from the GPU");
        wait();
    }
    void wait() const {
        check(cudaStreamSynchronize(stream), "waiting for the GPU");
    }

    std::unique_ptr<Recording> record(const std::function<void()>& work) const {
        return std::make_unique<Graph>(stream, work);
    }
    std::vector<KernelUse> kernel_use() const {
        const int room = properties.maxThreadsPerMultiProcessor;
        return {
            use_of<ReluItem>("relu_forward", room),
            use_of<LinearForward>("linear_forward", room),
            use_of<ConvForward>("conv2d_forward", room),
            use_of<ConvBackwardInput>("conv2d_backward_input", room),
            use_of<ConvBackwardWeightOfImage>("conv2d_backward_weight", room)};
    }
};

} // namespace

std::unique_ptr<System> make_cuda() {
    int count = 0;
    if (cudaGetDeviceCount(&count) != cudaSuccess || count == 0) {
        return nullptr;
    }
    return std::make_unique<ThrustSystem<Cuda>>();
}
