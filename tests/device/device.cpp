// The device backend where tensors stay on the device: tensors, batches, training. (Its operations run through the
// tests of all operations, by support/on_device.hpp.)

#include <cstdlib>

#include "catch.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/train/predictions.hpp"
#include "support/algorithm.hpp"
#include "support/tensors.hpp"
#include "support/threads.hpp"
#include "support/two_layers.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Convolution, ReLU, pooling and a linear layer, on 12 x 12 pixels.
template <class B> struct SmallCnn {
    nn::Sequential<B> model;
    optim::SGD<B> optimizer;
    data::DataLoader<B> loader;
    train::Classification<B> task{model, loader};
    train::Run<B> run{task, optimizer};
    train::History& history = run.history;

    SmallCnn(const data::ImageDataset& images, std::size_t batch, bool fused)
        : optimizer(build(model, images.class_names.size(), fused), sgd(0.05, 0.9)), loader(images, batches_of(batch)) {
    }

    train::EpochResult epoch(std::size_t number) {
        loader.restore({number, 0});
        return train::train_one_epoch(run, {1});
    }

private:
    static std::vector<nn::Parameter<B>*> build(nn::Sequential<B>& model, std::size_t classes, bool fused) {
        Random random(1);
        model.template add<nn::ConvReLUMaxPool2d<B>>(1, 4, 3, random).fuse(fused); // (N, 4, 5, 5)
        model.template add<nn::Flatten<B>>();
        model.template add<nn::Linear<B>>(100, classes, random);
        return model.parameters();
    }
};

template <class B> std::vector<Tensor<typename B::Scalar>> values(const nn::Module<B>& model) {
    std::vector<Tensor<typename B::Scalar>> all;
    for (const auto* p : model.parameters()) { all.push_back(B::to_host(p->value)); }
    return all;
}

} // namespace

TEMPLATE_TEST_CASE("device::Tensor: there and back, copies, moves, fill", "[device]", float, double, std::int32_t,
                   std::int64_t) {
    using T = TestType;
    for (const Shape& shape : {Shape{}, Shape{0}, Shape{5}, Shape{3, 0, 2}, Shape{2, 3, 4, 5}}) {
        INFO(to_string(shape));
        const Tensor<T> x = whole_numbers<T>(shape, 1);
        device::Tensor<T> there = device::to_device(x);
        CHECK(there.shape() == shape);
        CHECK(there.size() == x.size());
        CHECK(same_bits(device::to_host(there), x));

        const device::Tensor<T> copy = there;
        there.fill(T(7));
        CHECK(same_bits(device::to_host(there), full<T>(shape, T(7))));
        CHECK(same_bits(device::to_host(copy), x)); // has numbers of its own
        device::Tensor<T> assigned = device::to_device(whole_numbers<T>({4, 4}, 2));
        assigned = copy;
        CHECK(same_bits(device::to_host(assigned), x));
        const device::Tensor<T> moved = std::move(assigned);
        CHECK(same_bits(device::to_host(moved), x));
    }
    CHECK(device::Tensor<T>().shape() == Shape{0});
}

TEST_CASE("device::Tensor: smaller and larger again in the same memory", "[device]") {
    device::Tensor<float> x(Shape{10, 10});
    const float* memory = x.data();
    device::resize(x, {3, 10});
    CHECK(x.shape() == Shape{3, 10});
    device::resize(x, {100});
    CHECK(x.size() == 100);
    CHECK(x.data() == memory);
}

TEST_CASE("the device says what it is", "[device]") {
    const std::string name = device::system_name();
    CHECK((name == "CUDA" || name == "OMP" || name == "TBB" || name == "CPP"));
    const char* expected = std::getenv("HANDGRAD_TEST_SYSTEM"); // the build's, where there are several
    if (expected != nullptr) { CHECK(name == expected); }
    CHECK(device::description().find("Thrust ") == 0);
    CHECK(device::description().find(", " + name) != std::string::npos);
    CHECK(device::is_gpu() == (name == "CUDA"));
    REQUIRE(device::is_available());
    CHECK_NOTHROW(device::require_available());
}

TEMPLATE_TEST_CASE("batches made on the device are the cpu's to the bit", "[device][data]", float, double) {
    using T = TestType;
    const data::ImageDataset images = patterns(53, 6, 4, 1);
    const data::Transforms transforms = {data::ToTensor{}, data::Normalize{0.1307, 0.3081}};
    data::LoaderOptions options = batches_of(8);
    options.limit = 50;
    data::DataLoader<Cpu<T>> there(images, options, transforms);
    data::DataLoader<Device<T>> here(images, options, transforms);
    here.restore({1, 3});
    there.restore({1, 3});
    std::size_t batches = 0;
    for (int epoch = 0; epoch < 3; ++epoch) {
        auto batch = here.begin();
        for (const auto& expected : there) {
            REQUIRE(batch != here.end());
            CHECK(same_bits(device::to_host(batch->images), expected.images));
            CHECK(same_bits(device::to_host(batch->labels), expected.labels));
            ++batch;
            ++batches;
        }
        CHECK_FALSE(batch != here.end());
    }
    CHECK(batches == 4 + 7 + 7);
}

TEMPLATE_TEST_CASE("training on the device is training on the cpu", "[device][train]", float, double) {
    using T = TestType;
    const data::ImageDataset images = patterns(200, 12, 5, 1);
    for (const bool fused : {true, false}) {
        SmallCnn<Cpu<T>> expected(images, 32, fused);
        for (const std::size_t epoch : {0, 1}) { expected.epoch(epoch); }
        for (const auto algorithm : {device::Algorithm::plain, device::Algorithm::fast}) {
            INFO("fused " << fused << ", algorithm " << static_cast<int>(algorithm));
            const Chosen chosen(algorithm);
            SmallCnn<Device<T>> run(images, 32, fused);
            train::EpochResult last;
            for (const std::size_t epoch : {0, 1}) { last = run.epoch(epoch); }
            REQUIRE(run.history.train_losses.size() == 14);
            for (std::size_t i = 0; i < 14; ++i) {
                const double loss = expected.history.train_losses[i];
                CHECK(std::abs(run.history.train_losses[i] - loss) <= rounding<T>() * 10 * loss);
            }
            CHECK(last.examples == 200);
            const auto a = values(run.model), b = values(expected.model);
            for (std::size_t i = 0; i < a.size(); ++i) { CHECK(difference(a[i], b[i]) <= 100 * rounding<T>()); }

            data::DataLoader<Device<T>> test(images, {64, false});
            data::DataLoader<Cpu<T>> test_on_cpu(images, {64, false});
            const auto predictions = train::predict(test, run.model);
            const auto others = train::predict(test_on_cpu, expected.model);
            REQUIRE(predictions.size() == 200);
            for (std::size_t i = 0; i < 200; ++i) {
                CHECK(predictions[i].label == others[i].label);
                CHECK(std::abs(predictions[i].probability - others[i].probability) <= 100 * rounding<T>());
            }
        }
    }
}

TEMPLATE_TEST_CASE("the device gives the same bits, twice and on any number of threads", "[device][threads]", float,
                   double) {
    using T = TestType;
    const data::ImageDataset images = patterns(130, 12, 5, 1);
    for (const auto algorithm : {device::Algorithm::plain, device::Algorithm::fast}) {
        const Chosen chosen(algorithm);
        for (const bool fused : {true, false}) {
            CHECK(same_on_any_number_of_threads([&] {
                SmallCnn<Device<T>> run(images, 64, fused);
                run.epoch(0);
                return values(run.model);
            }));
        }
    }
}

TEMPLATE_TEST_CASE("plain kernels give the same bits on any number of threads", "[device][threads]", float, double) {
    // Large enough for several threads, and sums whose last bits depend on their order.
    using T = TestType;
    const Chosen chosen(device::Algorithm::plain);
    const auto x = device::to_device(normal_numbers<T>({300, 3, 20, 18}, 1)),
               w = device::to_device(normal_numbers<T>({5, 3, 3, 4}, 2)),
               b = device::to_device(normal_numbers<T>({5}, 3)),
               rows = device::to_device(normal_numbers<T>({3000, 70}, 4)),
               matrix = device::to_device(normal_numbers<T>({70, 60}, 5)),
               row = device::to_device(normal_numbers<T>({60}, 6));
    const auto labels = device::to_device(random_labels(3000, 60, 7));
    CHECK(same_on_any_number_of_threads([&] {
        std::vector<Tensor<T>> results;
        const auto keep = [&](const device::Tensor<T>& t) { results.push_back(device::to_host(t)); };
        const auto y = device::conv2d_forward(x, w, b);
        const auto g = device::conv2d_backward(x, w, y);
        for (const auto* t : {&y, &g.dx, &g.dw, &g.db}) { keep(*t); }
        const auto pooled = device::max_pool2d_forward(y, MaxPool2dOptions(3, 2));
        keep(device::max_pool2d_backward(pooled.y, pooled.indices, y.shape()));
        const auto z = device::linear_forward(rows, matrix, row);
        const auto h = device::linear_backward(rows, matrix, z);
        for (const auto* t : {&z, &h.dx, &h.dw, &h.db}) { keep(*t); }
        device::Tensor<T> p;
        results.push_back(full<T>({1}, device::cross_entropy_forward(z, labels, p)));
        keep(device::cross_entropy_backward(p, labels));
        keep(device::softmax_backward(p, z));
        results.push_back(full<T>({1}, device::l2_penalty_forward(z, 0.3)));
        results.push_back(full<T>({1}, static_cast<T>(device::count_correct(z, labels))));
        return results;
    }));
}

TEST_CASE("the tally on the device", "[device][train]") {
    const auto z = normal_numbers<double>({100, 7}, 1);
    const auto y = random_labels(100, 7, 2);
    const auto scores = device::to_device(z);
    const auto labels = device::to_device(y);
    device::Tensor<double> p, loss, tally = device::to_device(zeros<double>({2}));
    for (int batch = 0; batch < 3; ++batch) {
        device::cross_entropy_forward(scores, labels, p, loss);
        device::add_to_tally(loss, scores, labels, tally);
    }
    const Tensor<double> sums = device::to_host(tally);
    CHECK(std::abs(sums(0) - 300 * cpu::cross_entropy_forward(z, y)) < 1e-10);
    CHECK(sums(1) == 3 * static_cast<double>(cpu::count_correct(z, y)));
    device::Tensor<double> wrong(Shape{3});
    CHECK(message_of([&] { device::add_to_tally(loss, scores, labels, wrong); }) ==
          "add_to_tally: tally has shape (3,), expected (2,)");
}

TEST_CASE("on the device a loss that is not finite is noticed at the next one that is logged", "[device][train]") {
    const data::ImageDataset images = patterns(50, 4, 3, 1);
    TwoLayers<Device<float>> run(images, 5, sgd(1e20), batches_of(16));
    const std::string message = message_of<DivergenceError>([&] { run.epoch(0, 1000); });
    INFO(message);
    CHECK(message.find(" at epoch 1, batch 4 of 4: the step is too large; try a smaller one than --lr 1e+20") !=
          std::string::npos);
}
