// Checkpoints that are damaged, of another run, or cannot be written: what is said, and that nothing is changed.

#include "catch.hpp"
#include "support/file_size_limit.hpp"
#include "support/saved_run.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

io::StoredTensor& tensor(io::Safetensors& file, const std::string& name) {
    return *std::find_if(file.tensors.begin(), file.tensors.end(), [&](const auto& t) { return t.name == name; });
}

} // namespace

TEST_CASE("a file that ends too early, and every flipped bit, are refused", "[checkpoint]") {
    Saved saved;
    const std::string bytes = read_bytes(saved.path);
    Resumable<Cpu<float>> fresh;
    const std::string before = all_of(fresh, saved.folder);
    const auto accepted = [&](const std::string& damaged) {
        try {
            io::Safetensors file = io::parse_safetensors(damaged, "f");
            const auto sum = file.metadata.find("handgrad.crc32");
            return sum != file.metadata.end() &&
                   sum->second == fmt::format("{:08x}", io::checksum(file, "handgrad.crc32"));
        } catch (const DataError&) { return false; }
    };
    REQUIRE(accepted(bytes));
    for (std::size_t n = 0; n < bytes.size(); ++n) {
        if (accepted(bytes.substr(0, n))) { FAIL_CHECK(n << " bytes are accepted"); }
    }
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
        std::string damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << bit % 8));
        if (accepted(damaged) && io::to_bytes(io::parse_safetensors(damaged, "f")) != bytes) {
            FAIL_CHECK("bit " << bit << " goes unnoticed");
        }
        if (bit % 997 == 0) { // and a sample of them through the function that programs call
            saved.folder.write("damaged", damaged);
            if (!accepted(damaged)) { CHECK(saved.refusal(saved.folder / "damaged") != "no exception"); }
        }
    }
}

TEST_CASE("a thousand changed checkpoints with the right checksum go on or are refused", "[checkpoint]") {
    Saved saved;
    const io::Safetensors good = io::read_safetensors(saved.path);
    Random random(9);
    int refused = 0;
    for (int i = 0; i < 1000; ++i) {
        io::Safetensors file = good;
        auto& t = file.tensors[random.below(file.tensors.size())];
        const auto text = std::next(file.metadata.begin(), static_cast<long>(random.below(file.metadata.size())));
        switch (random.below(5)) {
        case 0: // the same bytes, taken for other numbers
            t.dtype = t.dtype == io::Dtype::f64 ? io::Dtype::i64 : io::Dtype::f64;
            t.shape = {t.bytes.size() / 8};
            t.bytes.resize(t.bytes.size() / 8 * 8);
            break;
        case 1:
            t = io::stored(t.name, zeros<double>({random.below(4), random.below(4)}));
            break;
        case 2:
            t.bytes[random.below(t.bytes.size())] = static_cast<char>(random.below(256));
            break;
        case 3:
            t.name = good.tensors[0].name + "x";
            break;
        default:
            text->second = text->second.substr(0, random.below(text->second.size() + 1)) + "9";
        }
        file.metadata["handgrad.crc32"] = fmt::format("{:08x}", io::checksum(file, "handgrad.crc32"));
        saved.folder.write("changed", io::to_bytes(file));
        Resumable<Cpu<float>> fresh;
        const std::string message = message_of<DataError>([&] { fresh.load(saved.folder / "changed"); });
        if (message.find("another exception") == 0 || message.find('\n') != std::string::npos) { FAIL_CHECK(message); }
        refused += message == "no exception" ? 0 : 1;
    }
    CHECK(refused > 500);
    CHECK(refused < 1000);
}

TEST_CASE("a checkpoint with anything wrong is refused, and the run is left alone", "[checkpoint]") {
    Saved saved;
    using File = io::Safetensors;
    CHECK(saved.message([](File&) {}) == "no exception");

    SECTION("tensors") {
        CHECK(saved.message([](File& f) {
            f.tensors.erase(f.tensors.begin() + (f.find("1.weight") - f.tensors.data()));
        }) == "tensor '1.weight' is missing, expected one of shape (16, 5)");
        CHECK(saved.message([](File& f) { tensor(f, "3.bias").name = "3.bais"; }) ==
              "tensor '3.bias' is missing, expected one of shape (3,)");
        CHECK(saved.message([](File& f) { f.tensors.push_back(io::stored("fc9.bias", zeros<float>({2}))); }) ==
              "tensor 'fc9.bias' of shape (2,) is not expected: the model has no tensor of this name");
        CHECK(saved.message([](File& f) { tensor(f, "3.bias") = io::stored("3.bias", zeros<float>({4})); }) ==
              "tensor '3.bias' has shape (4,), expected (3,)");
        CHECK(saved.message([](File& f) { tensor(f, "3.bias") = io::stored("3.bias", zeros<double>({3})); }) ==
              "tensor '3.bias' has dtype F64, expected F32");
        CHECK(saved.message([](File& f) {
            tensor(f, "1.weight").shape = {5, 16};
        }) == "tensor '1.weight' has shape (5, 16), expected (16, 5) (PyTorch's is transposed; "
              "export_torch.py transposes it)");
        const auto with = [](float value) {
            Tensor<float> t = zeros<float>({3});
            t(1) = value;
            return io::stored("3.bias", t);
        };
        CHECK(saved.message([&](File& f) { tensor(f, "3.bias") = with(std::nanf("")); }) ==
              "tensor '3.bias' holds nan at entry 1, expected finite numbers");
        CHECK(saved.message([&](File& f) { tensor(f, "3.bias") = with(-std::numeric_limits<float>::infinity()); }) ==
              "tensor '3.bias' holds -inf at entry 1, expected finite numbers");
    }
    SECTION("optimiser") {
        CHECK(saved.message([](File& f) {
            tensor(f, "optimizer.momentum_buffer.1.bias").name = "optimizer.momentum_buffer.x";
        }) == "tensor 'optimizer.momentum_buffer.1.bias' is missing, expected one of shape (5,)");
        CHECK(saved.message([](File& f) {
            for (auto& t : f.tensors) {
                if (t.name.find("momentum") != std::string::npos) { t.name += "x"; }
            }
        }) == "tensor 'optimizer.momentum_buffer.1.weight' is missing, expected one of shape (16, 5)");
        CHECK(saved.message([](File& f) {
            tensor(f, "optimizer.momentum_buffer.1.bias") =
                io::stored("optimizer.momentum_buffer.1.bias", zeros<float>({4}));
        }) == "tensor 'optimizer.momentum_buffer.1.bias' has shape (4,), expected (5,)");
        CHECK(saved.message([](File& f) {
            tensor(f, "optimizer.lr") = io::stored("optimizer.lr", Tensor<double>{-1.0});
        }) == "tensor 'optimizer.lr': SGD: lr is -1, expected a finite number, at least 0");
        CHECK(saved.message([](File& f) { f.metadata["handgrad.optimizer"] = "Adam()"; }) ==
              "line 1 of its optimizer was 'Adam()', expected 'SGD(momentum=0.9, dampening=0, weight_decay=0, "
              "nesterov=false, maximize=false)'");
    }
    SECTION("position and history") {
        const auto numbers = [](const std::string& name, std::initializer_list<std::int64_t> values) {
            Tensor<std::int64_t> t(Shape{values.size()});
            std::copy(values.begin(), values.end(), t.data());
            return io::stored(name, t);
        };
        CHECK(saved.message([&](File& f) {
            tensor(f, "loader.state") = numbers("loader.state", {1, 5});
        }) == "tensor 'loader.state' holds 5 batches, expected 0 to 4");
        CHECK(saved.message([&](File& f) {
            tensor(f, "loader.state") = numbers("loader.state", {1, 3});
        }) == "tensor 'loader.state' holds 3 batches, expected 2: 'epoch.counts' holds 2 of 5");
        CHECK(saved.message([&](File& f) {
            tensor(f, "loader.state") = numbers("loader.state", {-1, 2});
        }) == "tensor 'loader.state' holds -1, expected numbers from 0");
        CHECK(saved.message([&](File& f) {
            tensor(f, "epoch.counts") = numbers("epoch.counts", {1, 2});
        }) == "tensor 'epoch.counts' has shape (2,), expected (3,)");
        CHECK(saved.message([&](File& f) {
            tensor(f, "history.test_correct") = numbers("history.test_correct", {1, 2});
        }) == "tensor 'history.test_correct' has shape (2,), expected (1,)");
        CHECK(saved.message([](File& f) {
            tensor(f, "history.train_losses").shape = {4, 1};
        }) == "tensor 'history.train_losses' has shape (4, 1), expected a list");
    }
    SECTION("what it says of itself") {
        CHECK(saved.message([](File& f) { f.metadata.erase("handgrad.checkpoint"); }) ==
              "has no 'handgrad.checkpoint' in its metadata: it contains no run to resume");
        CHECK(saved.message([](File& f) { f.metadata["handgrad.checkpoint"] = "4"; }) ==
              "is a checkpoint of format '4', expected 1, 2 or 3");
        CHECK(saved.message([](File& f) { f.metadata.erase("handgrad.model"); }) ==
              "has no 'handgrad.model' in its metadata, and this run has one");
        CHECK(saved.message([](File& f) {
            std::string& model = f.metadata["handgrad.model"];
            model.replace(model.find("ReLU"), 4, "Tanh");
        }) == "line 4 of its model was '  (2): Tanh()', expected '  (2): ReLU()'");
        CHECK(saved.message([](File& f) { f.metadata.erase("handgrad.random"); }) ==
              "has no 'handgrad.random' in its metadata, and this run has one");
        CHECK(saved.message([](File& f) { f.metadata["handgrad.random"] = "x"; }) ==
              "its 'handgrad.random': Random::set_state: unknown format in \"x\", expected \"handgrad-random-1 SEED "
              "STREAM "
              "DRAWS SPARE\"");
        CHECK(saved.message([](File& f) { f.metadata["handgrad.a\nb"] = "x"; }) ==
              "has a 'handgrad.a?b' in its metadata, and this run has none");
    }
    SECTION("options") {
        CHECK(saved.message([](File& f) { f.metadata["option.--batch-size"] = "64"; }) ==
              "was saved with --batch-size 64, and this run has --batch-size 5: a run can only be resumed with the "
              "same options");
        CHECK(saved.message([](File& f) { f.metadata.erase("option.--seed"); }) ==
              "was saved without --seed, and this run has --seed 1: a run can only be resumed with the same options");
        CHECK(saved.message([](File& f) { f.metadata["option.--preset"] = "good"; }) ==
              "was saved with --preset good, and this run has no --preset: a run can only be resumed with the same "
              "options");
        CHECK(saved.message([](File& f) { f.metadata["option.--a\nb"] = ""; }) ==
              "was saved with --a?b '', and this run has no --a?b: a run can only be resumed with the same options");
        CHECK(saved.message([](File& f) { f.metadata["option.--seed"] = std::string(1000000, '1'); }) ==
              "was saved with --seed " + std::string(80, '1') +
                  "..., and this run has --seed 1: a run can only be resumed with the same options");
    }
    SECTION("without its checksum, or with another one") {
        File file = io::read_safetensors(saved.path);
        file.metadata.erase("handgrad.crc32");
        io::write_safetensors(saved.folder / "x", file);
        CHECK(saved.refusal(saved.folder / "x") ==
              "has no 'handgrad.crc32' in its metadata: it contains no run to resume");
        file.metadata["handgrad.crc32"] = "00000000";
        io::write_safetensors(saved.folder / "x", file);
        CHECK(saved.refusal(saved.folder / "x").find("is damaged: its contents have the checksum ") == 0);
        CHECK(saved.refusal(saved.folder / "y") ==
              "cannot read '" + (saved.folder / "y").string() + "': No such file or directory");
    }
    SECTION("an option that is not UTF-8") {
        Resumable<Cpu<float>> r;
        r.run.options["--data"] = "a\xff";
        r.save(saved.path);
        Resumable<Cpu<float>> again;
        again.run.options["--data"] = "a\xff";
        again.load(saved.path);
    }
}

TEST_CASE("a checkpoint that cannot be written leaves the old one", "[checkpoint]") {
    Saved saved;
    const std::string before = read_bytes(saved.path);
    const auto entries = saved.folder.entries();
    Resumable<Cpu<float>> r;
    r.go(3);
    std::string message;
    {
        const FileSizeLimit full(1000);
        message = message_of<DataError>([&] { r.save(saved.path); });
    }
    CHECK(message == "cannot write '" + saved.path.string() + "': File too large");
    CHECK(message_of<DataError>([&] { r.save(saved.folder / "missing/run"); }) ==
          "cannot write '" + (saved.folder / "missing/run").string() + "': No such file or directory");
    CHECK(read_bytes(saved.path) == before);
    CHECK(saved.folder.entries() == entries);
}

TEST_CASE("nothing is saved over a good checkpoint once a run has diverged", "[checkpoint]") {
    Saved saved;
    const std::string before = read_bytes(saved.path);
    Resumable<Cpu<float>> r;
    r.go(3);
    r.net.model.parameters()[0]->value(2, 1) = std::numeric_limits<float>::infinity();
    CHECK(message_of<DataError>([&] { r.save(saved.path); }) ==
          "cannot save '" + saved.path.string() +
              "': tensor '1.weight' holds inf at entry 11, expected finite numbers");
    CHECK(read_bytes(saved.path) == before);
    r.net.model.parameters()[0]->value(2, 1) = 0;
    r.save(saved.path);
    CHECK(read_bytes(saved.path) != before);
}
