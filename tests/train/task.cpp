// Tasks that are no classification of images, trained, tested, saved and resumed by the same loop: next-token prediction
// by a table of scores, and regression with a squared error. Each has batches and a loader of its own.

#include <cmath>
#include <string_view>

#include "catch.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/nn/nn.hpp"
#include "handgrad/optim/sgd.hpp"
#include "handgrad/train/checkpoint.hpp"
#include "support/options.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

// ---- Next-token prediction ----

constexpr std::string_view bigram_text = "abracadabra, said the bear, and a bear that said abracadabra had said it all";

/// (N, T) tokens and the tokens that follow them.
struct TokenBatch {
    Labels inputs, targets;
};

/// Batches of 4 windows of 6 tokens, each window once an epoch, in random order.
class TokenLoader : public data::Loader {
public:
    TokenLoader() : sampler_(bigram_text.size() - length, options()) {}
    std::size_t size() const override { return sampler_.batches(); }
    std::size_t dataset_size() const override { return length * sampler_.dataset_size(); } // in tokens
    std::uint32_t checksum() const override { return 1; }
    data::LoaderState state() const override { return sampler_.state(); }
    void restore(data::LoaderState state) override { sampler_.restore(state); }

    const TokenBatch& next() {
        const auto range = sampler_.next();
        resize(batch_.inputs, {range.count, length});
        resize(batch_.targets, {range.count, length});
        for (std::size_t n = 0; n < range.count; ++n) {
            for (std::size_t t = 0; t < length; ++t) {
                batch_.inputs(n, t) = bigram_text[range.first[n] + t];
                batch_.targets(n, t) = bigram_text[range.first[n] + t + 1];
            }
        }
        return batch_;
    }

private:
    static constexpr std::size_t length = 6;
    static data::LoaderOptions options() {
        data::LoaderOptions result;
        result.batch_size = 4;
        return result;
    }
    data::BatchSampler sampler_;
    TokenBatch batch_;
};

/// A score for each pair of tokens. It takes tokens, so it is a component and no module.
template <class B> struct BigramTable : nn::Component<B> {
    nn::Parameter<B> table{B::from_host(zeros<typename B::Scalar>({128, 128})),
                           B::from_host(zeros<typename B::Scalar>({128, 128}))};
    BigramTable() { this->register_parameter("table", table); }
    std::string name() const override { return "BigramTable"; }
};

template <class B> class NextToken : public train::Task<B> {
public:
    using T = typename B::Scalar;
    NextToken(BigramTable<B>& model, TokenLoader& loader)
        : train::Task<B>(model, loader), table_(model.table), loader_(loader) {}

    void forward() override {
        batch_ = &loader_.next();
        const Tensor<T> table = B::to_host(table_.value);
        Tensor<T> scores = zeros<T>({batch_->inputs.shape(0), batch_->inputs.shape(1), 128});
        for (std::size_t i = 0; i < batch_->inputs.size(); ++i) {
            std::copy_n(table.data() + 128 * batch_->inputs.data()[i], 128, scores.data() + 128 * i);
        }
        scores_ = B::from_host(scores);
        targets_ = B::from_host(batch_->targets);
        criterion_.compute(scores_, targets_);
    }
    std::size_t examples() const override { return batch_->inputs.size(); }
    double loss() const override { return static_cast<double>(criterion_.item()); }
    void backward() override {
        const Tensor<T> dscores = B::to_host(criterion_.backward());
        Tensor<T> dtable = B::to_host(table_.grad);
        for (std::size_t i = 0; i < dscores.size(); ++i) {
            dtable.data()[128 * batch_->inputs.data()[i / 128] + static_cast<std::int64_t>(i % 128)] +=
                dscores.data()[i];
        }
        B::copy_from_host(dtable, table_.grad);
    }
    void add_to(train::Tally<B>& tally) const override { tally.add(criterion_, scores_, targets_); }

private:
    nn::Parameter<B>& table_;
    TokenLoader& loader_;
    nn::CrossEntropyLoss<B> criterion_;
    const TokenBatch* batch_ = nullptr;
    typename B::Tensor scores_;
    typename B::Labels targets_;
};

/// The smallest loss that a table can have on all windows: the entropy of a token, given the one before.
double bigram_entropy() {
    TokenLoader loader;
    Tensor<double> counts = zeros<double>({128, 128}), sums = zeros<double>({128});
    for (std::size_t i = 0; i < loader.size(); ++i) {
        const TokenBatch& batch = loader.next();
        for (std::size_t k = 0; k < batch.inputs.size(); ++k) {
            counts(batch.inputs.data()[k], batch.targets.data()[k]) += 1;
            sums(batch.inputs.data()[k]) += 1;
        }
    }
    double entropy = 0, all = 0;
    for (std::size_t a = 0; a < 128; ++a) {
        all += sums(a);
        for (std::size_t b = 0; b < 128; ++b) {
            if (counts(a, b) > 0) { entropy -= counts(a, b) * std::log(counts(a, b) / sums(a)); }
        }
    }
    return entropy / all;
}

template <class B> struct TokenRun {
    BigramTable<B> model;
    TokenLoader loader, test_loader;
    NextToken<B> task{model, loader}, testing{model, test_loader};
    optim::SGD<B> optimizer{model.parameters(), sgd(2, 0.5)};
    train::Run<B> run{task, optimizer};
};

// ---- Regression ----

/// 10 points of the line y = 3 x - 1, in batches of 4.
struct PointBatch {
    Tensor<double> x, y; // (N, 1)
};

class PointLoader : public data::Loader {
public:
    std::size_t size() const override { return 3; }
    std::size_t dataset_size() const override { return 10; }
    std::uint32_t checksum() const override { return 2; }
    data::LoaderState state() const override { return state_; }
    void restore(data::LoaderState state) override { state_ = state; }

    PointBatch next() {
        const std::size_t first = 4 * state_.batch, count = std::min<std::size_t>(4, 10 - first);
        PointBatch batch{zeros<double>({count, 1}), zeros<double>({count, 1})};
        for (std::size_t n = 0; n < count; ++n) {
            batch.x(n, 0) = (static_cast<double>(first + n) - 4.5) / 3;
            batch.y(n, 0) = 3 * batch.x(n, 0) - 1;
        }
        if (++state_.batch == 3) { state_ = {state_.epoch + 1, 0}; }
        return batch;
    }

private:
    data::LoaderState state_;
};

template <class B> class Regression : public train::Task<B> {
public:
    Regression(nn::Module<B>& model, PointLoader& loader)
        : train::Task<B>(model, loader), model_(model), loader_(loader) {}

    void forward() override {
        const PointBatch batch = loader_.next();
        x_ = B::from_host(batch.x);
        error_ = B::to_host(model_(x_)) - batch.y;
    }
    std::size_t examples() const override { return error_.size(); }
    double loss() const override {
        double sum = 0;
        for (const double e : error_) { sum += e * e; }
        return sum / static_cast<double>(error_.size());
    }
    void backward() override {
        const Tensor<double> dy = error_ * (2.0 / static_cast<double>(error_.size()));
        dy_ = B::from_host(dy);
        model_.backward(dy_, nn::InputGradient::not_needed);
    }

private:
    nn::Module<B>& model_;
    PointLoader& loader_;
    typename B::Tensor x_, dy_;
    Tensor<double> error_;
};

template <class B> struct PointRun {
    Random random{1};
    nn::Linear<B> model{1, 1, random};
    PointLoader loader, test_loader;
    Regression<B> task{model, loader}, testing{model, test_loader};
    optim::SGD<B> optimizer{model.parameters(), sgd(0.1, 0.5)};
    train::Run<B> run{task, optimizer};
};

/// Trains to epoch 4, stopped, saved and loaded by a new run after each number of batches, or in one go.
template <class Setup> std::string task_run_to_epoch_4(bool stopping, const TemporaryFolder& folder) {
    auto setup = std::make_unique<Setup>();
    while (setup->loader.state().epoch < 4) {
        train::EpochSettings settings;
        settings.log_interval = 2;
        settings.stop = [&] { return stopping; };
        train::train_one_epoch(setup->run, settings);
        train::save_checkpoint(folder / "run", setup->run);
        if (stopping) {
            setup = std::make_unique<Setup>();
            train::load_checkpoint(folder / "run", setup->run);
        }
    }
    return read_bytes(folder / "run");
}

} // namespace

TEMPLATE_TEST_CASE("next-token prediction is a task: gradient descent finds what counting finds", "[train]",
                   Reference<double>, Cpu<float>, Device<float>, Device<double>) {
    TokenRun<TestType> r;
    const double entropy = bigram_entropy();
    REQUIRE(r.loader.dataset_size() == 6 * (bigram_text.size() - 6));
    const train::EpochResult before = train::test_one_epoch<TestType>(r.testing);
    CHECK(std::abs(before.loss - std::log(128.0)) < 1e-5); // nothing known yet
    CHECK(before.examples == r.loader.dataset_size());
    for (int epoch = 0; epoch < 60; ++epoch) { train::train_one_epoch(r.run, {10}); }
    const train::EpochResult after = train::test_one_epoch<TestType>(r.testing);
    INFO(after.loss << " after training, entropy " << entropy);
    CHECK(after.loss > entropy);
    CHECK(after.loss < entropy + 0.05);
    CHECK(after.correct > before.examples / 3);
    CHECK(r.run.history.train_losses.size() == 60 * 2);
}

TEMPLATE_TEST_CASE("regression is a task: its loss is added up without a count of correct answers", "[train]",
                   Reference<double>, Cpu<double>, Device<double>) {
    PointRun<TestType> r;
    train::EpochResult result;
    for (int epoch = 0; epoch < 200; ++epoch) { result = train::train_one_epoch(r.run); }
    CHECK(result.examples == 10);
    CHECK(result.correct == 0);
    CHECK(result.loss < 1e-20);
    CHECK(std::abs(TestType::to_host(r.model.parameters()[0]->value)(0, 0) - 3) < 1e-10);
    CHECK(std::abs(TestType::to_host(r.model.parameters()[1]->value)(0) + 1) < 1e-10);
    r.test_loader.restore({0, 1}); // a test is a whole epoch, wherever the loader is
    CHECK(train::test_one_epoch<TestType>(r.testing).examples == 10);
}

TEMPLATE_TEST_CASE("any task is stopped, saved and resumed bit for bit", "[train][checkpoint]", Cpu<double>,
                   Device<double>) {
    const TemporaryFolder folder;
    CHECK(task_run_to_epoch_4<TokenRun<TestType>>(true, folder) ==
          task_run_to_epoch_4<TokenRun<TestType>>(false, folder));
    CHECK(task_run_to_epoch_4<PointRun<TestType>>(true, folder) ==
          task_run_to_epoch_4<PointRun<TestType>>(false, folder));
}
