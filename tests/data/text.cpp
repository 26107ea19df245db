// Text as tokens: files that are refused, vocabularies, names and their split, contexts and windows, and the loader.

#include <algorithm>
#include <map>
#include <set>

#include "catch.hpp"
#include "handgrad/backends/cpu.hpp"
#include "handgrad/backends/device.hpp"
#include "handgrad/data/token_loader.hpp"
#include "support/gzip.hpp"
#include "support/temporary_folder.hpp"
#include "support/tensors.hpp"

using namespace handgrad;
using namespace support;

namespace {

std::string text_refusal(const std::string& bytes) {
    return message_of<DataError>([&] { data::parse_text(bytes, "notes.txt"); });
}

std::string string_of(std::initializer_list<int> bytes) {
    std::string text;
    for (const int byte : bytes) { text += static_cast<char>(byte); }
    return text;
}

/// The names that come with handgrad.
const std::vector<std::string>& all_names() {
    static const std::vector<std::string> names =
        data::lines_of(data::read_text(data::find_text("names", {}, HANDGRAD_DATA_DIR)), "names.txt");
    return names;
}

/// Row n of a matrix of tokens as text, "." for the line break.
std::string row_text(const data::CharacterVocabulary& vocabulary, const Labels& inputs, std::size_t n) {
    std::string text;
    for (std::size_t i = 0; i < inputs.shape(1); ++i) {
        text += vocabulary.character(static_cast<std::size_t>(inputs(n, i)));
    }
    std::replace(text.begin(), text.end(), '\n', '.');
    return text;
}

} // namespace

TEST_CASE("text: what is read, and what is refused in one line", "[data][text]") {
    CHECK(data::parse_text("anna\nb\xC3\xA9"
                           "a\n",
                           "x") == "anna\nb\xC3\xA9"
                                   "a\n");
    CHECK(data::parse_text("\xEF\xBB\xBF"
                           "a\r\nb\tc",
                           "x") == "a\nb\tc"); // byte order mark, carriage return
    CHECK(data::parse_text(gzip(std::string("anna\n")), "x") == "anna\n");
    CHECK(data::parse_text("\xE2\x82\xAC\xF0\x9F\x98\x80", "x").size() == 7); // three bytes, and four
    CHECK(text_refusal("") == "notes.txt: the file is empty, expected text");
    CHECK(text_refusal("\xEF\xBB\xBF") == "notes.txt: the file is empty, expected text");
    CHECK(text_refusal(string_of({'a', '\n', 'b', 0, 'c'})) ==
          "notes.txt: line 2 has the control character 0x00; expected text, not a binary file");
    CHECK(text_refusal(string_of({'a', '\r', 'b'})) ==
          "notes.txt: line 1 has the control character 0x0d; expected text, not a binary file");
    CHECK(text_refusal("a\x7F").find("0x7f") != std::string::npos);
    const std::string latin1 = "notes.txt: line 3 has the byte 0xe9, which is no UTF-8; expected text in UTF-8";
    CHECK(text_refusal("a\nb\nRen\xE9\n") == latin1);
    // A continuation byte first, a missing one, the longer form of '/', a surrogate, a number above 0x10FFFF, 0xFF.
    for (const auto& bytes :
         {string_of({0x80}), string_of({0xC3}), string_of({0xC3, 0x41}), string_of({0xC0, 0xAF}),
          string_of({0xE0, 0x80, 0xAF}), string_of({0xED, 0xA0, 0x80}), string_of({0xF4, 0x90, 0x80, 0x80}),
          string_of({0xF0, 0x80, 0x80, 0xAF}), string_of({0xFF}), string_of({0xF8, 0x80, 0x80, 0x80})}) {
        CHECK(text_refusal("a" + bytes).find("which is no UTF-8") != std::string::npos);
    }
    // A gzip bomb is refused, not unpacked whole.
    const std::string bomb = gzip(std::string(100'001, 'a'));
    CHECK(data::parse_text(bomb, "x", 100'001).size() == 100'001);
    CHECK(message_of<DataError>([&] { data::parse_text(bomb, "notes.txt", 100'000); }) ==
          "notes.txt: more than 100000 bytes of text");
    CHECK(text_refusal(gzip(std::string("anna\n")).substr(0, 12)) ==
          "notes.txt: the gzip data end too early: the file is truncated");

    const TemporaryFolder folder;
    const auto missing = folder / "none.txt";
    CHECK(message_of<DataError>([&] { data::read_text(missing); }) ==
          "cannot read '" + missing.string() + "': No such file or directory");
    const auto empty = folder.write("empty.txt", std::string());
    CHECK(message_of<DataError>([&] { data::read_text(empty); }) ==
          empty.string() + ": the file is empty, expected text");
    CHECK_THROWS_AS(data::find_text("names", folder.path()), DataError);
    folder.write("names/names.txt", std::string("ab\n"));
    CHECK(data::find_text("names", folder.path()) == folder / "names/names.txt");
    folder.write("names.txt.gz", gzip(std::string("cd\n")));
    CHECK(data::find_text("names", folder.path()) == folder / "names.txt.gz");
}

TEST_CASE("CharacterVocabulary: tokens in the order of the characters, there and back", "[data][text]") {
    const data::CharacterVocabulary vocabulary("bad\nz\xC3\xA9"
                                               "b"); // \n a b d z e-acute
    CHECK(vocabulary.size() == 6);
    CHECK(vocabulary.shown() == "\\nabdz\xC3\xA9");
    CHECK(equal_numbers(to<double>(vocabulary.encode("ab\xC3\xA9\n")), tensor<double>({4}, {1, 2, 5, 0})));
    CHECK(vocabulary.decode(labels({1, 2, 5, 0})) == "ab\xC3\xA9\n");
    CHECK(vocabulary.character(5) == "\xC3\xA9");
    CHECK(vocabulary.encode("").size() == 0);
    CHECK(message_of<DataError>([&] { vocabulary.encode("ba\xC3\xA9q"); }) ==
          "text: unknown character 'q' at position 3, expected one of \\nabdz\xC3\xA9");
    CHECK(message_of<DataError>([&] { vocabulary.encode("\xFF", "prompt"); }) == "prompt: byte 0 is no UTF-8");
    CHECK(message_of<DataError>([&] {
              vocabulary.decode(labels({0, 6}));
          }) == "text: token 6 is not in the vocabulary, expected 0 to 5");
    CHECK_THROWS_AS(vocabulary.decode(labels({-1})), DataError);
    CHECK_THROWS_AS(vocabulary.character(6), DataError);
    CHECK(message_of<DataError>([] { data::CharacterVocabulary none(""); }) ==
          "CharacterVocabulary: the text is empty");
    // A character of each length comes back.
    const std::string all = "a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80";
    const data::CharacterVocabulary four(all);
    CHECK(four.size() == 4);
    CHECK(four.decode(four.encode(all)) == all);
}

TEST_CASE("names: 32,033 of them, split 80, 10, 10 by the seed", "[data][text]") {
    const auto& names = all_names();
    REQUIRE(names.size() == 32033);
    CHECK(names.front() == "emma");
    CHECK(names.back() == "zzyzx");
    const auto splits = data::split_names(names, 42), same = data::split_names(names, 42);
    CHECK(splits.train.size() == 25626);
    CHECK(splits.dev.size() == 3203);
    CHECK(splits.test.size() == 3204);
    // Python: random.seed(42); random.shuffle(names)
    CHECK(splits.train[0] == "yuheng");
    CHECK(splits.train[1] == "diondre");
    CHECK(splits.dev[0] == "amay");
    CHECK(splits.test[0] == "mustafa");
    CHECK(splits.test.back() == "yovani");
    CHECK((splits.train == same.train));
    CHECK((splits.test == same.test));
    CHECK((splits.dev != data::split_names(names, 43).dev));
    std::vector<std::string> together = splits.train;
    together.insert(together.end(), splits.dev.begin(), splits.dev.end());
    together.insert(together.end(), splits.test.begin(), splits.test.end());
    std::vector<std::string> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    std::sort(together.begin(), together.end());
    CHECK((together == sorted));

    // random.seed(s); names = list("0123456789"); random.shuffle(names), for s = 0 and s = 2^40 + 5
    const std::vector<std::string> digits{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    for (const auto& [seed, shuffled] :
         {std::pair<std::uint64_t, std::string>{0, "7815342096"}, {(std::uint64_t{1} << 40) + 5, "1236705498"}}) {
        const auto parts = data::split_names(digits, seed);
        std::string all;
        for (const auto* part : {&parts.train, &parts.dev, &parts.test}) {
            for (const std::string& digit : *part) { all += digit; }
        }
        CHECK(all == shuffled);
    }

    const auto refused = [](const std::string& text) {
        return message_of<DataError>([&] { data::lines_of(text, "list"); });
    };
    CHECK(refused("a\n\nb\n") == "list: line 2 is empty, expected a name");
    CHECK(refused("a\nb\n") == "list: 2 names, expected at least 10");
    CHECK(refused("ab\n" + std::string(101, 'a')) == "list: line 2 has 101 characters, expected a name of at most 100");
    CHECK(message_of<DataError>([] { data::split_names({"a"}, 1); }) == "split_names: 1 names, expected at least 10");
}

TEST_CASE("Contexts: each character of a name with those before it", "[data][text]") {
    const data::CharacterVocabulary vocabulary("\nabcdefghijklmnopqrstuvwxyz");
    const data::Contexts contexts({"ava", "bo"}, vocabulary, 3);
    REQUIRE(contexts.size() == 7);
    const char* expected[] = {"...a", "..av", ".ava", "ava.", "...b", "..bo", ".bo."};
    for (std::size_t n = 0; n < 7; ++n) {
        std::string row = row_text(vocabulary, contexts.inputs(), n);
        const char next = vocabulary.character(static_cast<std::size_t>(contexts.outputs()(n)))[0];
        row += next == '\n' ? '.' : next;
        CHECK(row == expected[n]);
    }
    CHECK(contexts.target_shape(5) == Shape{5});
    CHECK(message_of([&] { data::Contexts none({"a"}, vocabulary, 0); }) == "Contexts: k is 0, expected at least 1");
    CHECK(message_of([&] { data::Contexts none({}, vocabulary, 1); }) ==
          "Contexts: the number of names is 0, expected at least 1");
    CHECK(message_of<DataError>([&] { data::Contexts none({"Ava"}, vocabulary, 1); }) ==
          "text: unknown character 'A' at position 0, expected one of \\nabcdefghijklmnopqrstuvwxyz");
    const data::Contexts all(all_names(), vocabulary, 3);
    CHECK(all.size() == 228146); // 196,113 letters and 32,033 ends
    CHECK(contexts.checksum() != data::Contexts({"ava", "bp"}, vocabulary, 3).checksum());
    CHECK(contexts.checksum() == data::Contexts({"ava", "bo"}, vocabulary, 3).checksum());
}

TEST_CASE("Windows: tokens, and the tokens that follow them", "[data][text]") {
    const data::Windows windows(labels({5, 6, 7, 8, 9}), 3);
    CHECK(windows.size() == 2);
    CHECK(windows.target_shape(4) == Shape{4, 3});
    std::int64_t input[3], target[3];
    windows.copy(1, input, target);
    CHECK(std::vector<std::int64_t>(input, input + 3) == std::vector<std::int64_t>{6, 7, 8});
    CHECK(std::vector<std::int64_t>(target, target + 3) == std::vector<std::int64_t>{7, 8, 9});
    CHECK(message_of([] {
              data::Windows none(labels({1, 2}), 2);
          }) == "Windows: the text has 2 tokens, expected more than T = 2");
    CHECK(message_of([] { data::Windows none(labels({1, 2}), 0); }) == "Windows: T is 0, expected at least 1");
    CHECK(windows.checksum() != data::Windows(labels({5, 6, 7, 8, 9}), 2).checksum());
}

TEMPLATE_TEST_CASE("TokenLoader: batches by a counter, the same after a restore", "[data][text]", Cpu<float>,
                   Device<float>) {
    using B = TestType;
    const data::Windows windows(random_labels(50, 7, 1), 4);
    data::TokenLoaderOptions options{6, 5, 3};
    data::TokenLoader<B> loader(windows, options), again(windows, options);
    CHECK(loader.size() == 5);
    CHECK(loader.dataset_size() == 5 * 6 * 4);
    std::vector<Labels> inputs, targets;
    for (int i = 0; i < 12; ++i) {
        const auto& batch = loader.next();
        inputs.push_back(B::to_host(batch.inputs));
        targets.push_back(B::to_host(batch.targets));
        REQUIRE(inputs.back().shape() == Shape{6, 4});
        for (std::size_t b = 0; b < 6; ++b) { // the target is the next input
            for (std::size_t t = 0; t < 3; ++t) { CHECK(targets.back()(b, t) == inputs.back()(b, t + 1)); }
        }
    }
    CHECK(loader.state().epoch == 2);
    CHECK(loader.state().batch == 2);
    CHECK((inputs[0] != inputs[5])); // an epoch draws other examples than the one before
    again.restore({1, 3});
    for (const std::size_t i : {8, 9, 10}) {
        const auto& batch = again.next();
        CHECK((Labels(B::to_host(batch.inputs)) == inputs[i]));
        CHECK((Labels(B::to_host(batch.targets)) == targets[i]));
    }
    options.seed = 4;
    data::TokenLoader<B> other(windows, options);
    CHECK((Labels(B::to_host(other.next().inputs)) != inputs[0]));
    CHECK(message_of<DataError>([&] {
              again.restore({0, 5});
          }) == "TokenLoader: cannot resume at batch 5, expected 0 to 4");
    CHECK(message_of<DataError>([&] {
              again.restore({std::uint64_t{1} << 40, 0});
          }) == "TokenLoader: cannot resume at epoch 1099511627776, expected less than 2^32 batches in all");
    CHECK(message_of([&] { data::TokenLoader<B> none(windows, {0}); }) ==
          "TokenLoader: batch_size is 0, expected at least 1");
    CHECK(data::TokenLoader<B>(windows, {4}).size() == 12); // 46 examples
}

TEST_CASE("drawn_example: uniform, and a function of seed, step and number", "[data][text]") {
    std::map<std::size_t, int> count;
    for (std::uint32_t step = 0; step < 1000; ++step) {
        for (std::size_t b = 0; b < 30; ++b) { ++count[data::drawn_example(7, step, b, 10)]; }
    }
    REQUIRE(count.size() == 10);
    CHECK(count.rbegin()->first == 9);
    for (const auto& [example, times] : count) { CHECK(std::abs(times - 3000) < 5 * 52); } // 52: standard deviation
    CHECK(data::drawn_example(7, 3, 2, 1000) == data::drawn_example(7, 3, 2, 1000));
    std::set<std::size_t> others;
    for (const auto& [seed, step, b] : {std::tuple(7, 3, 2), {8, 3, 2}, {7, 4, 2}, {7, 3, 3}}) {
        others.insert(data::drawn_example(static_cast<std::uint64_t>(seed), static_cast<std::uint32_t>(step),
                                          static_cast<std::size_t>(b), 1'000'000));
    }
    CHECK(others.size() == 4);
    CHECK(data::drawn_example(7, 3, 2, 1) == 0);
    CHECK(message_of([] { data::drawn_example(1, 0, 0, 0); }) == "TokenLoader: 0 examples, expected 1 to 2^32");
}
