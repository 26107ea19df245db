// The training loop: what it records, that it learns, that it repeats to the bit, and when it stops.

#include "catch.hpp"
#include "support/tensors.hpp"
#include "support/two_layers.hpp"

using namespace handgrad;
using namespace support;
using Counts = std::vector<std::size_t>;

TEMPLATE_TEST_CASE("the history counts examples as the lecture does", "[train]", Cpu<float>, Cpu<double>, Device<float>,
                   Device<double>) {
    const data::ImageDataset images = patterns(50, 4, 3, 1);
    SECTION("every second batch, the last one short") {
        TwoLayers<TestType> run(images, 5, sgd(0.1), batches_of(16));
        for (const std::size_t epoch : {0, 1, 2}) { run.epoch(epoch, 2); }
        // i * batch_size + this batch's size + epoch * dataset size
        CHECK(run.history.train_examples == Counts{16, 48, 66, 98, 116, 148});
        CHECK(run.history.train_losses.size() == 6);
    }
    SECTION("every batch") {
        TwoLayers<TestType> run(images, 5, sgd(0.1), batches_of(16));
        Counts done;
        run.epoch(3, 1, [&](std::size_t batch, std::size_t of) { done.insert(done.end(), {batch, of}); });
        CHECK(run.history.train_examples == Counts{166, 182, 198, 200});
        CHECK(done == Counts{1, 4, 2, 4, 3, 4, 4, 4});
    }
    SECTION("an interval longer than the epoch") {
        TwoLayers<TestType> run(images, 5, sgd(0.1), batches_of(16));
        run.epoch(0, 100);
        CHECK(run.history.train_examples == Counts{16});
    }
    SECTION("a limited data set, the short batch left out") {
        data::LoaderOptions options = batches_of(16);
        options.limit = 40;
        options.drop_last = true;
        TwoLayers<TestType> run(images, 5, sgd(0.1), options);
        CHECK(run.epoch(1).examples == 32);
        CHECK(run.history.train_examples == Counts{56, 72});
    }
    SECTION("no interval") {
        TwoLayers<TestType> run(images, 5, sgd(0.1), batches_of(16));
        CHECK(message_of<std::invalid_argument>([&] { run.epoch(0, 0); }) ==
              "train_one_epoch: log_interval is 0, expected at least 1");
    }
}

TEMPLATE_TEST_CASE("an epoch is zero_grad, forward, loss, backward, step for each batch", "[train]", Cpu<float>,
                   Cpu<double>, Device<float>, Device<double>) {
    using B = TestType;
    const data::ImageDataset images = patterns(23, 4, 3, 1);
    TwoLayers<B> run(images, 5, sgd(0.2, 0.9), batches_of(8)), by_hand(images, 5, sgd(0.2, 0.9), batches_of(8));
    const train::EpochResult result = run.epoch(0);
    nn::CrossEntropyLoss<B> criterion;
    double loss = 0;
    std::size_t correct = 0;
    std::vector<double> losses;
    for (const auto& batch : by_hand.loader) {
        by_hand.model.zero_grad();
        const auto& scores = by_hand.model(batch.images);
        losses.push_back(static_cast<double>(criterion.forward(scores, batch.labels)));
        correct += B::count_correct(scores, batch.labels);
        loss += losses.back() * static_cast<double>(batch.labels.size());
        by_hand.model.backward(criterion.backward());
        by_hand.optimizer.step();
    }
    CHECK(run.history.train_losses == losses);
    CHECK(result.loss == loss / 23);
    CHECK(result.correct == correct);
    CHECK(result.examples == 23);
    CHECK(result.accuracy() == static_cast<double>(correct) / 23);
    CHECK(train::EpochResult{}.accuracy() == 0);
    const auto a = run.parameters(), b = by_hand.parameters();
    for (std::size_t i = 0; i < a.size(); ++i) { CHECK(same_bits(a[i], b[i])); }
}

TEMPLATE_TEST_CASE("twenty samples are learned by heart", "[train]", Cpu<float>, Cpu<double>, Device<float>,
                   Device<double>) {
    const data::ImageDataset images = patterns(20, 6, 4, 1);
    TwoLayers<TestType> run(images, 16, sgd(0.1, 0.9), batches_of(20));
    const double first = run.epoch(0).loss;
    CHECK(first > 0.7 * std::log(4.0)); // nothing known yet
    CHECK(first < 1.5 * std::log(4.0));
    for (std::size_t epoch = 1; epoch < 200; ++epoch) { run.epoch(epoch); }
    const train::EpochResult last = run.epoch(200);
    CHECK(last.loss < 1e-3);
    CHECK(last.correct == 20);
    // What is learned is the patterns: other noise over them does no harm.
    const data::ImageDataset others = patterns(40, 6, 4, 2);
    data::DataLoader<TestType> test(others, batches_of(7));
    CHECK(run.test(test).correct == 40);
}

TEMPLATE_TEST_CASE("testing measures and changes nothing", "[train]", Cpu<float>, Cpu<double>, Device<float>,
                   Device<double>) {
    using B = TestType;
    const data::ImageDataset images = patterns(23, 4, 3, 1);
    TwoLayers<B> run(images, 5, sgd(0.1), batches_of(8));
    const auto before = run.parameters();
    data::LoaderOptions in_order = batches_of(8);
    in_order.shuffle = false;
    data::DataLoader<B> small(images, in_order), whole(images, batches_of(23));
    const train::EpochResult result = run.test(small);
    CHECK_FALSE(run.model.is_training());
    const train::EpochResult at_once = run.test(whole);
    CHECK(result.examples == 23);
    CHECK(result.correct == at_once.correct);
    CHECK(std::abs(result.loss - at_once.loss) <= rounding<typename B::Scalar>() * at_once.loss);
    const auto after = run.parameters();
    for (std::size_t i = 0; i < before.size(); ++i) { CHECK(same_bits(before[i], after[i])); }
    run.epoch(0);
    CHECK(run.model.is_training());
}

TEMPLATE_TEST_CASE("a loss that is not finite stops the run before the step", "[train]", Cpu<float>, Cpu<double>,
                   Device<float>, Device<double>) {
    using T = typename TestType::Scalar;
    const data::ImageDataset images = patterns(50, 4, 3, 1);
    TwoLayers<TestType> run(images, 5, sgd(0.125), batches_of(16));
    Tensor<T> bias = TestType::to_host(run.model.parameters()[3]->value);
    bias(1) = std::numeric_limits<T>::quiet_NaN();
    TestType::copy_from_host(bias, run.model.parameters()[3]->value);
    const auto before = run.parameters();
    CHECK(
        message_of<DivergenceError>([&] { run.epoch(2); }) ==
        "the training loss is nan at epoch 3, batch 1 of 4: the step is too large; try a smaller one than --lr 0.125");
    CHECK(run.history.train_losses.empty());
    const auto after = run.parameters();
    for (std::size_t i = 0; i < before.size(); ++i) { CHECK(same_bits(before[i], after[i])); }
}

TEST_CASE("a step much too large is noticed", "[train]") {
    const data::ImageDataset images = patterns(50, 4, 3, 1);
    TwoLayers<Cpu<float>> run(images, 5, sgd(1e20), batches_of(16));
    const std::string message = message_of<DivergenceError>([&] {
        for (std::size_t epoch = 0; epoch < 3; ++epoch) { run.epoch(epoch); }
    });
    INFO(message);
    CHECK(message.find("the training loss is ") == 0);
    CHECK(message.find(" at epoch 1, batch ") != std::string::npos);
    CHECK(message.find(" of 4: the step is too large; try a smaller one than --lr 1e+20") != std::string::npos);
    for (const double loss : run.history.train_losses) { CHECK(std::isfinite(loss)); }
}

TEMPLATE_TEST_CASE("one seed gives the same bits, twice and on any number of threads", "[train][threads]", Cpu<float>,
                   Cpu<double>, Device<float>, Device<double>) {
    // At these sizes the first layer's products are cut into chunks; the last batch is shorter.
    struct Size {
        std::size_t hidden, batch;
    };
    const Size size = GENERATE(Size{100, 230}, Size{500, 64});
    const data::ImageDataset images = patterns(300, 28, 10, 1);
    struct Outcome {
        std::vector<double> losses;
        std::vector<Tensor<typename TestType::Scalar>> parameters;
    };
    const auto train = [&](int threads, std::uint64_t seed) {
        const Threads guard(threads);
        TwoLayers<TestType> run(images, size.hidden, sgd(0.1, 0.9), batches_of(size.batch, seed));
        for (const std::size_t epoch : {0, 1}) { run.epoch(epoch); }
        return Outcome{run.history.train_losses, run.parameters()};
    };
    const Outcome once = train(1, 1);
    REQUIRE(once.losses.size() == 2 * ((300 + size.batch - 1) / size.batch));
    for (const int threads : {1, 2, 4, 3}) {
        const Outcome again = train(threads, 1);
        INFO(threads << " threads");
        CHECK(again.losses == once.losses);
        for (std::size_t i = 0; i < once.parameters.size(); ++i) {
            CHECK(same_bits(again.parameters[i], once.parameters[i]));
        }
    }
    CHECK(train(1, 2).losses != once.losses); // another order
}
