// Everything that trains, with every backend that the headers offer it for: it links, and all of them learn the same.

#include "catch.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/backends/reference.hpp"
#include "handgrad/train/predictions.hpp"
#include "support/resumable.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

TEMPLATE_TEST_CASE("every backend trains, tests, predicts, saves and goes on, and all learn the same", "[train]",
                   Reference<float>, Reference<double>, Cpu<float>, Cpu<double>, Device<float>, Device<double>) {
    using B = TestType;
    using T = typename B::Scalar;
    const TemporaryFolder folder;
    Resumable<Cpu<double>> expected; // three epochs, with momentum and two schedulers, a test after each
    expected.go();
    Resumable<B> whole, first_part, second_part;
    whole.go();
    const auto agree = [](const std::vector<double>& a, const std::vector<double>& b) {
        Tensor<double> s(Shape{a.size()}), t(Shape{b.size()});
        std::copy(a.begin(), a.end(), s.data());
        std::copy(b.begin(), b.end(), t.data());
        return difference(s, t) <= rounding<T>();
    };
    CHECK(agree(whole.run.history.train_losses, expected.run.history.train_losses));
    CHECK(agree(whole.run.history.test_losses, expected.run.history.test_losses));
    CHECK(whole.run.history.train_examples == expected.run.history.train_examples);
    CHECK(whole.run.history.test_correct == expected.run.history.test_correct);

    first_part.go(7);
    first_part.save(folder / "run");
    second_part.load(folder / "run");
    second_part.go();
    CHECK(second_part.run.history.train_losses == whole.run.history.train_losses);
    whole.save(folder / "whole");
    const std::string bytes = read_bytes(folder / "whole");
    Resumable<B> parsed;
    train::parse_checkpoint(bytes, "whole", parsed.run);
    CHECK(parsed.run.history.test_losses == whole.run.history.test_losses);

    // Weights go from any backend to any other, and to numbers of the other precision.
    Resumable<B> from_double;
    expected.save(folder / "double");
    train::load_weights(folder / "double", static_cast<nn::Module<B>&>(from_double.net.model));
    Resumable<Cpu<double>> back;
    train::load_weights(folder / "whole", static_cast<nn::Module<Cpu<double>>&>(back.net.model));
    const auto here = whole.net.parameters(), loaded = from_double.net.parameters();
    const auto there = expected.net.parameters(), returned = back.net.parameters();
    for (std::size_t i = 0; i < here.size(); ++i) {
        CHECK(same_bits(loaded[i], to<T>(there[i])));
        CHECK(same_bits(returned[i], to<double>(here[i])));
        CHECK(difference(here[i], there[i]) <= rounding<T>());
    }

    const auto predictions = train::predict<B>(whole.test, whole.net.model);
    REQUIRE(predictions.size() == 10);
    const auto others = train::predict<Cpu<double>>(expected.test, expected.net.model);
    for (std::size_t n = 0; n < predictions.size(); ++n) {
        CHECK(predictions[n].chosen == others[n].chosen);
        CHECK(std::abs(predictions[n].probability - others[n].probability) <= rounding<T>());
    }
    CHECK(nn::summary(whole.net.model, {5, 1, 4, 4}) == nn::summary(expected.net.model, {5, 1, 4, 4}));
}
