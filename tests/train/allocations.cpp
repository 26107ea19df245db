// A training step allocates nothing after the first: the C library's allocation functions are replaced by ones that
// count. Sanitizers replace them too, so builds with one leave this test out.

#if defined(__has_feature)
#define HANDGRAD_HAS_FEATURE(x) __has_feature(x)
#else
#define HANDGRAD_HAS_FEATURE(x) 0
#endif
#include <cstdlib> // defines __GLIBC__ where that is the C library
#if defined(__GLIBC__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__) &&                           \
    !HANDGRAD_HAS_FEATURE(address_sanitizer) && !HANDGRAD_HAS_FEATURE(thread_sanitizer)

#include <atomic>
#include <cerrno>
#include <memory>

#include "catch.hpp"
#include "support/options.hpp"
#include "support/tensors.hpp"
#include "support/two_layers.hpp"

namespace {
std::atomic<long> allocations{0};
}

extern "C" {
void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t size) noexcept {
    ++allocations;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) noexcept {
    ++allocations;
    return __libc_calloc(count, size);
}
void* realloc(void* old, std::size_t size) noexcept {
    ++allocations;
    return __libc_realloc(old, size);
}
void* memalign(std::size_t alignment, std::size_t size) noexcept {
    ++allocations;
    return __libc_memalign(alignment, size);
}
void* aligned_alloc(std::size_t alignment, std::size_t size) noexcept { return memalign(alignment, size); }
int posix_memalign(void** result, std::size_t alignment, std::size_t size) noexcept {
    void* memory = memalign(alignment, size);
    if (memory == nullptr) { return ENOMEM; }
    *result = memory;
    return 0;
}
}

using namespace handgrad;
using namespace support;

TEST_CASE("the counter of allocations counts", "[train][allocations]") {
    const long before = allocations;
    auto number = std::make_unique<int>(1);
    const long after_new = allocations;
    Tensor<float> tensor = zeros<float>({10, 10});
    const long after_tensor = allocations;
    resize(tensor, {5, 10}); // shrinks, and grows back
    resize(tensor, {10, 10});
    const long after_resize = allocations;
    CHECK(*number == 1);
    CHECK(after_new == before + 1);
    CHECK(after_tensor > after_new);
    CHECK(after_resize == after_tensor);
}

TEMPLATE_TEST_CASE("a training step allocates nothing after the first", "[train][allocations]", Cpu<float>, Cpu<double>,
                   Device<float>) {
    const data::ImageDataset images = patterns(300, 28, 10, 1);
    for (const int threads : {1, 2}) {
#ifdef __clang__ // LLVM's OpenMP itself allocates at the start of every parallel region: four times in version 19
        if (std::is_same_v<TestType, Device<float>> && threads > 1) { continue; }
#endif
        const Threads guard(threads);
        for (const double momentum : {0.0, 0.9}) {
            TwoLayers<TestType> run(images, 100, sgd(0.1, momentum), batches_of(64)); // the last batch has 44
            run.history.train_losses.reserve(100);
            run.history.train_examples.reserve(100);
            data::LoaderOptions in_order = batches_of(50); // no larger than what training has seen
            in_order.shuffle = false;
            data::DataLoader<TestType> test(images, in_order);
            train::Classification<TestType> testing(run.model, test);
            train::test_one_epoch<TestType>(testing); // its loss has buffers of its own
            long after_first = 0, after_last = 0;
            const train::OnBatch count = [&](std::size_t batch, std::size_t of) {
                if (batch == 1) { after_first = allocations; }
                if (batch == of) { after_last = allocations; }
            };
            INFO(threads << " threads, momentum " << momentum);
            for (const std::size_t epoch : {0, 1}) { // drawing an epoch's order may allocate, its steps may not
                run.epoch(epoch, 1, count);
                const long steps = after_last - after_first;
                CHECK(steps == 0);
            }
            const long before = allocations;
            train::test_one_epoch<TestType>(testing);
            const long while_testing = allocations - before;
            // The account of an epoch is a tensor on the device.
            CHECK(while_testing <= (std::is_same_v<TestType, Device<float>> ? 3 : 0));
        }
    }
}

TEMPLATE_TEST_CASE("a step of a convolutional network allocates nothing after the first", "[train][allocations]",
                   Cpu<float>, Cpu<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    for (const int threads : {1, 2}) {
        for (const auto algorithm : conv_algorithms) {
            const Threads guard(threads);
            Random random(1);
            Conv2dOptions options;
            options.algorithm = algorithm;
            nn::Sequential<B> model;
            model.template add<nn::Conv2d<B>>(1, 10, 5, random, options);
            model.template add<nn::ReLU<B>>();
            model.template add<nn::MaxPool2d<B>>(2);
            model.template add<nn::Conv2d<B>>(10, 20, 5, random, options);
            model.template add<nn::AvgPool2d<B>>(AvgPool2dOptions(3, 1));
            model.template add<nn::MaxPool2d<B>>(MaxPool2dOptions(3, 1, 1));
            options.padding = 1;
            model.template add<nn::Conv2d<B>>(20, 20, 3, random, options);
            model.template add<nn::Flatten<B>>();
            model.template add<nn::Linear<B>>(720, 10, random);
            nn::CrossEntropyLoss<B> criterion;
            const auto x = normal_numbers<T>({64, 1, 28, 28}, 1), last = normal_numbers<T>({44, 1, 28, 28}, 2);
            const Labels y = random_labels(64, 10, 3), y_last = random_labels(44, 10, 4);
            const auto step = [&](const Tensor<T>& images, const Labels& labels) {
                criterion.forward(model(images), labels);
                model.backward(criterion.backward());
            };
            step(x, y);
            step(last, y_last); // a tensor that is watched for the first time gets a counter
            const long before = allocations;
            step(x, y);
            step(last, y_last);
            step(x, y);
            const long steps = allocations - before;
            INFO(threads << " threads, algorithm " << static_cast<int>(algorithm));
            CHECK(steps == 0);
        }
    }
}

#endif
