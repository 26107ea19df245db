// Chapter 16: the gradients of its RNN and LSTM, its prediction over 100 steps, the task of recall, and names as sequences.

#include <algorithm>
#include <cmath>

#include "../../../chapters/16_memory/gradients.hpp"
#include "../../../chapters/16_memory/letters.hpp"
#include "../../../chapters/16_memory/longway.hpp"
#include "../../../chapters/16_memory/recall.hpp"
#include "catch.hpp"
#include "handgrad/check/check.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

void require_proof(const proof::Proof& result) {
    INFO(to_string(result.checker));
    CHECK(result.checker.passed());
    CHECK(result.from_library < 1e-13);
}

bool within(double number, double expected, double factor) {
    return number < expected * factor && number > expected / factor;
}

} // namespace

TEST_CASE("gradients of chapter 16's RNN, every parameter, and the library's", "[chapters]") {
    require_proof(proof::of_rnn());
}

TEST_CASE("gradients of chapter 16's LSTM, every parameter, and the library's", "[chapters]") {
    require_proof(proof::of_lstm());
}

TEST_CASE("norm and spectral radius of matrices that are known", "[chapters]") {
    const Tensor<double> uneven{{0.0, 4.0}, {1.0, 0.0}}; // eigenvalues 2 and -2
    CHECK(std::abs(longway::spectral_radius(uneven) - 2) < 1e-3);
    CHECK(std::abs(longway::spectral_norm(uneven) - 4) < 1e-3);
    const Tensor<double> turn{{0.6, -0.8}, {0.8, 0.6}}; // eigenvalues on the unit circle
    CHECK(std::abs(longway::spectral_radius(turn) - 1) < 1e-3);
    CHECK(std::abs(longway::spectral_norm(turn) - 1) < 1e-3);
}

TEST_CASE("a gradient is as long after 100 steps as the radius or the forget gates predict", "[chapters]") {
    const longway::Way way = longway::of_rnn(0.5);
    CHECK(std::abs(way.radius - 0.5) < 1e-3);
    CHECK(way.lengths[0] < std::pow(way.norm, 100));
    CHECK(within(way.lengths[0], std::pow(way.radius * way.slope, 100), 10));
    CHECK(way.lengths[100] == 1);
    const longway::CellWay open = longway::of_lstm(std::log(99.0));
    CHECK(within(open.gates, std::pow(0.99, 100), 1.1));
    CHECK(open.lengths[0] > 1); // there is a second way
}

TEST_CASE("recall: the class is the first symbol, and all others are noise", "[chapters]") {
    Random random(16);
    const recall::Batch batch = recall::draw(20, 5, random);
    REQUIRE(batch.x.size() == 5);
    std::size_t classes[recall::symbols] = {};
    for (std::size_t n = 0; n < 20; ++n) {
        const auto y = static_cast<std::size_t>(batch.y(n));
        ++classes[y];
        for (std::size_t t = 0; t < 5; ++t) {
            double noise = 0, all = 0;
            for (std::size_t c = 0; c < recall::symbols + recall::noise; ++c) {
                all += batch.x[t](n, c);
                if (c >= recall::symbols) { noise += batch.x[t](n, c); }
            }
            CHECK(all == 1);
            CHECK(noise == (t == 0 ? 0 : 1));
        }
        CHECK(batch.x[0](n, y) == 1);
    }
    CHECK(*std::min_element(classes, classes + recall::symbols) > 0);
}

TEST_CASE("recall: an LSTM that begins with an open cell and a shut input learns it", "[chapters]") {
    recall::Settings settings;
    settings.T = 6;
    settings.hidden = 8;
    settings.steps = 80;
    Random random(16);
    recall::Network<LSTM<recall::Backend>> network(settings.hidden, random);
    longway::set_bias(network.cell, 1, std::log(5.0));
    longway::set_bias(network.cell, 0, -std::log(5.0));
    AdamOptions adam;
    adam.lr = settings.lr;
    optim::Adam<recall::Backend> optimizer(network.parameters(), adam);
    const recall::Losses run = recall::train(network, optimizer, settings);
    CHECK(std::abs(run.losses[0] - std::log(4.0)) < 0.2);
    CHECK(recall::mean_of_last(run.losses, 10) < 0.05);
}

TEST_CASE("a name is a sequence from line break to line break, what follows does not count", "[chapters]") {
    const data::CharacterVocabulary vocabulary("\nab");
    const letters::Names names({"ab", "baab"}, vocabulary);
    REQUIRE(names.size() == 2);
    REQUIRE(names.length() == 5);
    Labels input(Shape{5}), target(Shape{5});
    names.copy(0, input.data(), target.data());
    CHECK((input == labels({0, 1, 2, 0, 0})));
    CHECK((target == labels({1, 2, 0, ignore_index, ignore_index})));
    names.copy(1, input.data(), target.data());
    CHECK((input == labels({0, 2, 1, 1, 2})));
    CHECK((target == labels({2, 1, 1, 2, 0})));

    // A model whose scores are 0 guesses, whatever the length of a name is.
    letters::Settings settings;
    settings.hidden = settings.features = 2;
    Random random(16);
    letters::Model<nn::RNN<letters::Backend>> model(3, settings, random);
    model.head.weight.value.fill(0);
    model.head.bias.value.fill(0);
    CHECK(std::abs(letters::mean_loss(model, names, 1) - std::log(3.0)) < 1e-6);
    // With the scores (1, 0, 0) a line break has another loss than a letter. There are 256 short names, which are
    // computed together, and 44 long ones: 300 line breaks among 256 * 3 + 44 * 5 characters.
    model.head.bias.value(0) = 1;
    std::vector<std::string> many(256, "ab");
    many.resize(300, "baab");
    const double expected = std::log(std::exp(1.0) + 2) - 300.0 / (256 * 3 + 44 * 5);
    CHECK(std::abs(letters::mean_loss(model, letters::Names(many, vocabulary), 1) - expected) < 1e-6);
}
