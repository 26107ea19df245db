// Checkpoints that lie: with the right checksum, right names and right shapes, and numbers or data that no run has.

#include <algorithm>
#include <cmath>
#include <limits>

#include "catch.hpp"
#include "handgrad/data/data_loader.hpp"
#include "handgrad/io/safetensors.hpp"
#include "support/saved_run.hpp"

using namespace handgrad;
using namespace support;

namespace {

using File = io::Safetensors;
constexpr std::int64_t largest_i64 = std::numeric_limits<std::int64_t>::max();

template <class T> std::function<void(File&)> replaced(const std::string& name, const std::vector<T>& values) {
    return [name, values](File& file) {
        Tensor<T> tensor(Shape{values.size()});
        std::copy(values.begin(), values.end(), tensor.data());
        for (auto& stored : file.tensors) {
            if (stored.name == name) { stored = io::stored(name, tensor); }
        }
    };
}

/// "tensor 'name' rest" is how the file is refused. The saved run has done 2 of 5 batches of its second epoch: 10 of 23
/// examples. Its history has losses after 5, 15, 23 and 28 examples, and a test of 10 examples after 23.
void check_counts(Saved& saved, const std::string& name, const std::vector<std::int64_t>& values,
                  const std::string& rest) {
    CHECK(saved.message(replaced(name, values)) == "tensor '" + name + "' " + rest);
}
void check_losses(Saved& saved, const std::string& name, const std::vector<double>& values, const std::string& rest) {
    CHECK(saved.message(replaced(name, values)) == "tensor '" + name + "' " + rest);
}

/// A run whose training data, or test data, are changed before they are looked at, resumed from this file.
std::string refusal_with(const std::filesystem::path& path,
                         const std::function<void(data::ImageDataset& images, data::ImageDataset& others)>& change) {
    Resumable<Cpu<float>> r;
    change(r.images, r.others);
    const std::string message = message_of<DataError>([&] { r.load(path); }), start = path.string() + ": ";
    return message.substr(0, start.size()) == start ? message.substr(start.size()) : message;
}

/// As the file would have been before version 3, in which the data's hashes were added.
void make_version_2(File& file) {
    std::string& size = file.metadata.at("handgrad.data");
    size = size.substr(0, size.find(','));
    file.metadata.erase("handgrad.test_data");
    file.metadata["handgrad.checkpoint"] = "2";
}

/// Flips every step: its loss is the negative of the cross-entropy.
class Reward : public train::Classification<Cpu<float>> {
public:
    using Base = train::Classification<Cpu<float>>;
    using Base::Base;
    double loss() const override { return -Base::loss(); }
    void add_to(train::Tally<Cpu<float>>& tally) const override { tally.add(loss(), examples()); }
    double lower_bound() const override { return bound; }
    double bound = -100;
};

} // namespace

TEST_CASE("a checkpoint's position and epoch are those of a run", "[checkpoint]") {
    Saved saved;
    const auto check = [&saved](const std::string& name, const std::vector<std::int64_t>& values,
                                const std::string& rest) { check_counts(saved, name, values, rest); };
    check("loader.state", {1000000001, 2}, "holds 1000000001 epochs, expected 0 to 1000000000");
    check("loader.state", {largest_i64, 2}, "holds 9223372036854775807 epochs, expected 0 to 1000000000");
    check("loader.state", {1, largest_i64}, "holds 9223372036854775807 batches, expected 0 to 4");
    check("loader.state", {1, 1}, "holds 1 batches, expected 2: 'epoch.counts' holds 2 of 5");
    CHECK(saved.message(replaced<std::int64_t>("epoch.counts", {0, 23, 5})) ==
          "tensor 'loader.state' holds 2 batches, expected 0: 'epoch.counts' holds 5 of 5");
    check("epoch.counts", {0, 10, 6}, "holds 6 batches, expected 0 to 5");
    check("epoch.counts", {11, 10, 2}, "holds 11 correct answers, expected 0 to 10");
    check("epoch.counts", {0, 24, 2}, "holds 24 examples, expected 2 to 23");
    check("epoch.counts", {0, 1, 2}, "holds 1 examples, expected 2 to 23");
    check("epoch.counts", {0, std::int64_t{1} << 62, 2}, "holds 4611686018427387904 examples, expected 2 to 23");
    check_losses(saved, "epoch.loss_sum", {-1e-9}, "holds -1e-09, expected at least 0");
    check_losses(saved, "epoch.loss_sum", {std::nan("")}, "holds nan at entry 0, expected finite numbers");

    CHECK(saved.message([](File& f) {
        replaced<std::int64_t>("loader.state", {0, 0})(f);
        replaced<std::int64_t>("epoch.counts", {3, 23, 5})(f);
    }) == "tensor 'loader.state' holds 0 epochs, expected at least 1: 'epoch.counts' holds 5 of 5 batches");
    CHECK(saved.message([](File& f) {
        replaced<std::int64_t>("loader.state", {2, 0})(f);
        replaced<std::int64_t>("epoch.counts", {0, 1, 0})(f);
    }) == "tensor 'epoch.counts' holds 1 examples, expected 0 to 0");
    const auto before_an_epoch = [&saved](double loss_sum) {
        return saved.message([loss_sum](File& f) {
            replaced<std::int64_t>("loader.state", {2, 0})(f);
            replaced<std::int64_t>("epoch.counts", {0, 0, 0})(f);
            replaced<double>("epoch.loss_sum", {loss_sum})(f);
        });
    };
    CHECK(before_an_epoch(3) == "tensor 'epoch.loss_sum' holds 3, expected 0: 'epoch.counts' holds 0 examples");
    CHECK(before_an_epoch(0) == "no exception");
}

TEST_CASE("a checkpoint's history is that of a run", "[checkpoint]") {
    Saved saved;
    const auto check = [&saved](const std::string& name, const std::vector<std::int64_t>& values,
                                const std::string& rest) { check_counts(saved, "history." + name, values, rest); };
    check("train_examples", {0, 15, 23, 28}, "holds 0 at entry 0, expected 1 to 33");
    check("train_examples", {5, 4, 23, 28}, "holds 4 at entry 1, expected 5 to 33");
    check("train_examples", {5, 15, 23, 34}, "holds 34 at entry 3, expected 23 to 33");
    check("train_examples", {5, 15, 23, -1}, "holds -1, expected numbers from 0");
    check("test_examples", {34}, "holds 34 at entry 0, expected 0 to 33");
    check("test_examples", {largest_i64}, "holds 9223372036854775807 at entry 0, expected 0 to 33");
    check("test_correct", {11}, "holds 11 at entry 0, expected 0 to 10");
    check("test_correct", {1000000000000}, "holds 1000000000000 at entry 0, expected 0 to 10");
    check_losses(saved, "history.train_losses", {1, 1, -1e-30, 1}, "holds -1e-30 at entry 2, expected at least 0");
    check_losses(saved, "history.test_losses", {-1}, "holds -1 at entry 0, expected at least 0");
    CHECK(saved.message([](File& f) {
        for (const char* name : {"test_examples", "test_correct"}) {
            replaced<std::int64_t>(std::string("history.") + name, {23, 10, 5})(f);
        }
        replaced<double>("history.test_losses", {1, 1, 1})(f);
    }) == "tensor 'history.test_examples' holds 10 at entry 1, expected 23 to 33");

    CHECK(saved.message([](File& f) { // the epoch of 23 examples has ended, and the next one has not begun
        replaced<std::int64_t>("loader.state", {1, 0})(f);
        replaced<std::int64_t>("epoch.counts", {0, 23, 5})(f);
    }) == "tensor 'history.train_examples' holds 28 at entry 3, expected 23 to 23");

    // The last number that is possible everywhere, and no numbers at all: a program that needs some looks for itself.
    CHECK(saved.message([](File& f) {
        replaced<std::int64_t>("history.train_examples", {1, 1, 33, 33})(f);
        replaced<std::int64_t>("history.test_examples", {33})(f);
        replaced<std::int64_t>("history.test_correct", {10})(f);
        replaced<double>("history.test_losses", {0})(f);
        replaced<std::int64_t>("epoch.counts", {23, 23, 2})(f);
        replaced<double>("epoch.loss_sum", {0})(f);
    }) == "no exception");
    CHECK(saved.message([](File& f) {
        for (auto& stored : f.tensors) {
            if (stored.name.find("history.") == 0) { stored = {stored.name, stored.dtype, {0}, ""}; }
        }
    }) == "no exception");
}

TEST_CASE("a checkpoint has the state of every parameter, or of none before the first step", "[checkpoint]") {
    Saved saved;
    const std::string bias = "optimizer.momentum_buffer.3.bias";
    const auto without = [](const std::string& start) {
        return [start](File& f) {
            for (auto& stored : f.tensors) {
                if (stored.name.find(start) == 0) { stored = {stored.name, stored.dtype, {0}, ""}; }
            }
        };
    };
    CHECK(saved.message(without(bias)) == "tensor '" + bias + "' has shape (0,), expected (3,) after a step");
    CHECK(saved.message(without("optimizer.momentum_buffer.")) ==
          "tensor 'optimizer.momentum_buffer.1.weight' has shape (0,), expected (16, 5) after a step");
    Resumable<Cpu<float>> r;
    auto states = r.net.optimizer.states();
    states[1].tensors[0] = zeros<float>({5});
    r.net.optimizer.load_state({0.1}, states);
    CHECK(message_of<DataError>([&] { r.save(saved.folder / "x"); }) ==
          "cannot save '" + (saved.folder / "x").string() +
              "': tensor 'optimizer.momentum_buffer.1.weight' has shape (0,), expected (16, 5) after a step");
}

TEST_CASE("what could not be loaded is not saved", "[checkpoint]") {
    Saved saved;
    const std::string before = read_bytes(saved.path);
    const auto refused = [&saved](const std::function<void(train::Run<Cpu<float>>&)>& change) {
        Resumable<Cpu<float>> r;
        r.go(7);
        change(r.run);
        const std::string message = message_of<DataError>([&] { r.save(saved.path); });
        const std::string start = "cannot save '" + saved.path.string() + "': ";
        return message.substr(0, start.size()) == start ? message.substr(start.size()) : "not: " + message;
    };
    CHECK(refused([](auto& run) { run.epoch.batches = 3; }) ==
          "tensor 'loader.state' holds 2 batches, expected 3: 'epoch.counts' holds 3 of 5");
    CHECK(refused([](auto& run) { run.epoch.loss_sum = -1; }) ==
          "tensor 'epoch.loss_sum' holds -1, expected at least 0");
    CHECK(refused([](auto& run) {
              run.history.train_examples = {5, 15, 23, 22};
          }) == "tensor 'history.train_examples' holds 22 at entry 3, expected 23 to 33");
    CHECK(refused([](auto& run) { run.history.test_correct = {11}; }) ==
          "tensor 'history.test_correct' holds 11 at entry 0, expected 0 to 10");
    CHECK(refused([](auto& run) { run.history.test_losses[0] = std::nan(""); }) ==
          "tensor 'history.test_losses' holds nan at entry 0, expected finite numbers");
    CHECK(refused([](auto& run) { run.testing = nullptr; }) ==
          "tensor 'history.test_losses' has shape (1,), expected (0,): Run::testing is not set");
    CHECK(read_bytes(saved.path) == before);
}

TEST_CASE("a run goes on with the data that it was trained and tested on", "[checkpoint]") {
    Saved saved;
    const std::string size = "23 examples in 5 batches, CRC-32 ", tests = "10 examples in 1 batches, CRC-32 ";
    const auto crc = [](const data::ImageDataset& images) {
        return fmt::format("{:08x}", data::DataLoader<Cpu<float>>(images).checksum());
    };
    const data::ImageDataset good = patterns(23, 4, 3, 1), good_tests = patterns(10, 4, 3, 2);
    CHECK(io::read_safetensors(saved.path).metadata.at("handgrad.data") == size + crc(good));
    CHECK(io::read_safetensors(saved.path).metadata.at("handgrad.test_data") == tests + crc(good_tests));
    CHECK(refusal_with(saved.path, [](auto&, auto&) {}) == "no exception");

    data::ImageDataset changed = good;
    changed.pixels[100] ^= 1;
    CHECK(refusal_with(saved.path, [](auto& images, auto&) { images.pixels[100] ^= 1; }) ==
          "was trained on " + size + crc(good) + ", and this run has " + size + crc(changed) +
              ": a run can only be resumed with the same data");
    changed = good_tests;
    changed.labels[9] = 1;
    CHECK(refusal_with(saved.path, [](auto&, auto& others) { others.labels[9] = 1; }) ==
          "was tested on " + tests + crc(good_tests) + ", and this run has " + tests + crc(changed) +
              ": a run can only be resumed with the same data");

    // More test images: 10 of 10 correct answers would be 10 of 40.
    const data::ImageDataset more = patterns(40, 4, 3, 2);
    data::DataLoader<Cpu<float>> loader(more);
    Resumable<Cpu<float>> r;
    const train::Classification<Cpu<float>> testing(r.net.model, loader);
    r.run.testing = &testing;
    CHECK(message_of<DataError>([&] { r.load(saved.path); }) ==
          saved.path.string() + ": was tested on " + tests + crc(good_tests) +
              ", and this run has 40 examples in 1 batches, CRC-32 " + crc(more) +
              ": a run can only be resumed with the same data");
    r.run.testing = nullptr;
    CHECK(message_of<DataError>([&] { r.load(saved.path); }) ==
          saved.path.string() + ": has a 'handgrad.test_data' in its metadata, and this run has none");
}

TEST_CASE("a checkpoint of an older version has no hash of its data", "[checkpoint]") {
    Saved saved;
    CHECK(saved.message(make_version_2) == "no exception");
    CHECK(refusal_with(saved.folder / "changed", [](auto& images, auto&) { images.pixels[100] ^= 1; }) ==
          "no exception");
    CHECK(saved.message([](File& f) {
        make_version_2(f);
        f.metadata["handgrad.data"] = "60000 examples in 938 batches";
    }) == "was trained on 60000 examples in 938 batches, and this run has 23 examples in 5 batches: a run can only be "
          "resumed "
          "with the same data");
    CHECK(saved.message([](File& f) {
        make_version_2(f);
        replaced<std::int64_t>("history.test_correct", {11})(f);
    }) == "tensor 'history.test_correct' holds 11 at entry 0, expected 0 to 10");
    CHECK(saved.message([](File& f) {
        make_version_2(f);
        f.metadata.erase("handgrad.data");
    }) == "has no 'handgrad.data' in its metadata, and this run has one");
    CHECK(saved
              .message([](File& f) {
                  make_version_2(f);
                  f.metadata["handgrad.checkpoint"] = "3";
              })
              .find("was trained on 23 examples in 5 batches, and this run has 23 examples in 5 batches, CRC-32 ") ==
          0);
    CHECK(saved.message([](File& f) { f.metadata.erase("handgrad.test_data"); }) ==
          "has no 'handgrad.test_data' in its metadata, and this run has one");
}

TEST_CASE("a checkpoint of version 1 has no momentum before the first step", "[checkpoint]") {
    const TemporaryFolder folder;
    Resumable<Cpu<float>> whole, start;
    whole.go(7);
    start.save(folder / "start");
    File file = io::read_safetensors(folder / "start");
    make_version_2(file);
    file.metadata["handgrad.checkpoint"] = "1";
    const auto is_momentum = [](const io::StoredTensor& t) { return t.name.find("optimizer.momentum") == 0; };
    file.tensors.erase(std::remove_if(file.tensors.begin(), file.tensors.end(), is_momentum), file.tensors.end());
    write_sealed(folder / "old", file);
    Resumable<Cpu<float>> r;
    r.load(folder / "old");
    CHECK(all_of(r, folder) == read_bytes(folder / "start"));
    r.go(7);
    CHECK(all_of(r, folder) == all_of(whole, folder));

    const auto refusal = [&folder](const File& changed) {
        write_sealed(folder / "old", changed);
        Resumable<Cpu<float>> fresh;
        const std::string message = message_of<DataError>([&] { fresh.load(folder / "old"); });
        return message.substr(std::min(message.size(), (folder / "old: ").string().size()));
    };
    File later = file;
    replaced<std::int64_t>("loader.state", {3, 0})(later);
    CHECK(refusal(later) ==
          "tensor 'optimizer.momentum_buffer.1.weight' has shape (0,), expected (16, 5) after a step");
    File part = file;
    part.tensors.push_back(io::stored("optimizer.momentum.3.bias", zeros<float>({3})));
    CHECK(refusal(part) == "tensor 'optimizer.momentum_buffer.1.weight' is missing, expected one of shape (16, 5)");
    file.metadata["handgrad.checkpoint"] = "2";
    CHECK(refusal(file) == "tensor 'optimizer.momentum_buffer.1.weight' is missing, expected one of shape (16, 5)");
}

TEST_CASE("a task says how small its losses can be", "[checkpoint]") {
    const TemporaryFolder folder;
    const data::ImageDataset images = patterns(23, 4, 3, 1);
    TwoLayers<Cpu<float>> net(images, 5, sgd(0.01), batches_of(5));
    Reward task(net.model, net.loader);
    train::Run<Cpu<float>> run{task, net.optimizer};
    train::train_one_epoch(run, {1});
    REQUIRE(run.history.train_losses[0] < -0.5);
    train::save_checkpoint(folder / "run", run);
    train::load_checkpoint(folder / "run", run);
    task.bound = -0.25; // as if the losses had been made up
    const std::string message = message_of<DataError>([&] { train::load_checkpoint(folder / "run", run); });
    CHECK(message == fmt::format("{}: tensor 'epoch.loss_sum' holds {}, expected at least {}",
                                 (folder / "run").string(), run.epoch.loss_sum, -0.25 * 23));
    task.bound = run.epoch.loss / (1 + 1e-12); // rounding
    run.history = {};
    train::save_checkpoint(folder / "run", run);
}
