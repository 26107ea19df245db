// What a checkpoint holds beside SGD's runs: buffers of a model, and the state of any optimiser, here of AdamW.

#include "catch.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/io/safetensors.hpp"
#include "handgrad/optim/adam.hpp"
#include "handgrad/optim/lr_scheduler.hpp"
#include "handgrad/train/checkpoint.hpp"
#include "support/images.hpp"
#include "support/resumable.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

/// Subtracts from its input the mean of all inputs that it has seen in training, which is a buffer.
template <class B> class Centred : public nn::Module<B> {
public:
    using typename nn::Module<B>::Tensor;
    explicit Centred(std::size_t features) : mean_(zeros<typename B::Scalar>({features})), y_(mean_) {
        this->register_buffer("running_mean", mean_);
    }
    const Tensor& forward_pass(const Tensor& x) override {
        y_ = x;
        for (std::size_t n = 0; n < x.shape(0); ++n) {
            for (std::size_t d = 0; d < x.shape(1); ++d) {
                if (this->is_training()) { mean_(d) += (x(n, d) - mean_(d)) / 16; }
                y_(n, d) = x(n, d) - mean_(d);
            }
        }
        return y_;
    }
    const Tensor& backward_pass(const Tensor& dy, nn::InputGradient) override { return dy; }
    std::string name() const override { return "Centred"; }

private:
    Tensor mean_, y_;
};

AdamWOptions adamw(double lr, double weight_decay) {
    AdamWOptions options;
    options.lr = lr;
    options.weight_decay = weight_decay;
    return options;
}

/// The line of a checkpoint for a group of these options and one parameter.
std::string line_of(double weight_decay, const std::string& parameter) {
    return optim::to_string(adamw(0.01, weight_decay)) + " " + parameter;
}

/// 23 images in 5 shuffled batches, a model with a buffer, an optimiser with two groups.
template <class B> struct AdamRun {
    data::ImageDataset images = patterns(23, 4, 3, 1);
    Random random{1};
    nn::Sequential<B> model;
    data::DataLoader<B> loader{images, batches_of(5)};
    optim::AdamW<B> optimizer;
    optim::ExponentialLR scheduler{optimizer, 0.5};
    train::Classification<B> task{model, loader};
    train::Run<B> run{task, optimizer};

    explicit AdamRun(double decay = 0.25) : optimizer(groups(decay)) {}

    void go(std::size_t until) {
        const auto done = [&] { return static_cast<std::size_t>(loader.state().epoch) * 5 + loader.state().batch; };
        while (done() < until) {
            train::train_one_epoch(run, {2, {}, [&] { return done() >= until; }});
            if (run.epoch.batches == 5) { scheduler.step(); }
        }
    }

private:
    std::vector<optim::ParameterGroup<B, AdamWOptions>> groups(double decay) {
        model.template add<nn::Flatten<B>>();
        model.template add<Centred<B>>(16);
        model.template add<nn::Linear<B>>(16, 3, random);
        return {{{model.parameters()[0]}, adamw(0.01, decay)}, {{model.parameters()[1]}, adamw(0.02, 0)}};
    }
};

template <class B> std::string bytes_of(const AdamRun<B>& r, const TemporaryFolder& folder) {
    train::save_checkpoint(folder / "all", r.run);
    return read_bytes(folder / "all");
}

} // namespace

TEMPLATE_TEST_CASE("buffers and the state of any optimiser go through a checkpoint, bit for bit", "[checkpoint]",
                   Cpu<float>, Reference<double>) {
    using T = typename TestType::Scalar;
    const TemporaryFolder folder;
    AdamRun<TestType> whole;
    whole.go(12);
    const std::string expected = bytes_of(whole, folder);
    for (std::size_t stop = 0; stop <= 12; ++stop) {
        INFO("stopped after " << stop << " batches");
        AdamRun<TestType> first, second;
        first.go(stop);
        train::save_checkpoint(folder / "run", first.run);
        second.go(3); // a run with another state
        train::load_checkpoint(folder / "run", second.run);
        CHECK(bytes_of(second, folder) == read_bytes(folder / "run"));
        second.go(12);
        CHECK(bytes_of(second, folder) == expected);
    }

    const io::Safetensors file = io::read_safetensors(folder / "all");
    CHECK(file.find("1.running_mean")->shape == Shape{16});
    CHECK(file.find("optimizer.exp_avg_sq.2.weight")->shape == Shape{16, 3});
    CHECK(same_bits(io::tensor_of<std::int64_t>(*file.find("optimizer.step")), Tensor<std::int64_t>{12, 12}));
    CHECK(same_bits(io::tensor_of<double>(*file.find("optimizer.lr")), Tensor<double>{0.0025, 0.005}));
    CHECK(file.metadata.at("handgrad.optimizer") == line_of(0.25, "2.weight") + "\n" + line_of(0, "2.bias"));
    CHECK(file.metadata.at("handgrad.checkpoint") == "3");

    AdamRun<TestType> weights; // which are parameters and buffers
    train::load_weights<TestType>(folder / "all", weights.model);
    CHECK(same_bits(*weights.model.named_buffers()[0].second, io::tensor_of<T>(*file.find("1.running_mean"))));
    CHECK(weights.optimizer.state(0, "exp_avg").size() == 0);
}

TEST_CASE("a buffer is no parameter", "[checkpoint]") {
    AdamRun<Cpu<float>> r;
    REQUIRE(r.model.named_buffers().size() == 1);
    CHECK(r.model.named_buffers()[0].first == "1.running_mean");
    CHECK(r.model.parameters().size() == 2);
    CHECK(r.model.parameter_count() == 16 * 3 + 3);
}

TEST_CASE("the state of another optimiser, or a part of it, is refused", "[checkpoint]") {
    const TemporaryFolder folder;
    AdamRun<Cpu<float>> r;
    r.go(4);
    train::save_checkpoint(folder / "run", r.run);
    const io::Safetensors good = io::read_safetensors(folder / "run");
    const auto refusal = [&](const std::function<void(io::Safetensors&)>& change, double decay = 0.25) {
        io::Safetensors file = good;
        change(file);
        seal(file);
        io::write_safetensors(folder / "changed", file);
        AdamRun<Cpu<float>> fresh(decay);
        fresh.go(2);
        const std::string before = bytes_of(fresh, folder);
        const std::string message =
            message_of<DataError>([&] { train::load_checkpoint(folder / "changed", fresh.run); });
        CHECK(bytes_of(fresh, folder) == before);
        return message.substr(std::min(message.size(), (folder / "changed: ").string().size()));
    };
    const auto replace = [](const std::string& name, const auto& tensor) {
        return [name, tensor](io::Safetensors& file) {
            for (auto& t : file.tensors) {
                if (t.name == name) { t = io::stored(name, tensor); }
            }
        };
    };
    CHECK(refusal([](io::Safetensors&) {}, 0.5) == "line 1 of its optimizer was '" + line_of(0.25, "2.weight") +
                                                       "', expected '" + line_of(0.5, "2.weight") + "'");
    CHECK(refusal([](io::Safetensors& f) { f.metadata["handgrad.optimizer"] += " b"; }) ==
          "line 2 of its optimizer was '" + line_of(0, "2.bias") + " b', expected '" + line_of(0, "2.bias") + "'");
    CHECK(refusal([](io::Safetensors& f) { f.metadata["handgrad.optimizer"] += "\nAdamW()"; }) ==
          "line 3 of its optimizer was 'AdamW()', expected ''");
    CHECK(refusal([](io::Safetensors& f) { f.tensors.erase(f.tensors.begin()); }).find("is missing, expected one of") !=
          std::string::npos);
    CHECK(refusal(replace("1.running_mean", zeros<float>({15}))) ==
          "tensor '1.running_mean' has shape (15,), expected (16,)");
    CHECK(refusal(replace("optimizer.step", Tensor<std::int64_t>{4})) ==
          "tensor 'optimizer.step' has shape (1,), expected (2,)");
    CHECK(refusal(replace("optimizer.step", Tensor<std::int64_t>{4, -4})) ==
          "tensor 'optimizer.step' holds -4, expected numbers from 0");
    CHECK(refusal(replace("optimizer.exp_avg.2.bias", zeros<float>({4}))) ==
          "tensor 'optimizer.exp_avg.2.bias' has shape (4,), expected (3,)");
    CHECK(refusal(replace("optimizer.lr", Tensor<double>{0.1, -0.1})) ==
          "tensor 'optimizer.lr': AdamW: lr is -0.1, expected a finite number, at least 0");
    CHECK(refusal(replace("optimizer.step", Tensor<std::int64_t>{4, (std::int64_t(1) << 53) + 1})) ==
          "tensor 'optimizer.step' holds 9007199254740993, expected 0 to 9007199254740992");
    CHECK(refusal(replace("optimizer.exp_avg.2.bias", zeros<float>({0}))) ==
          "tensor 'optimizer.exp_avg.2.bias' has shape (0,), expected (3,) after a step");
    CHECK(refusal([](io::Safetensors& f) {
              for (auto& t : f.tensors) {
                  if (t.name == "optimizer.exp_avg.2.bias") { t.name = "optimizer.momentum_buffer.2.bias"; }
              }
          }) == "tensor 'optimizer.exp_avg.2.bias' is missing, expected one of shape (3,)");
}
