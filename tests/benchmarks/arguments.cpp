#include "arguments.hpp"

#include <CLI/CLI.hpp>

namespace handgrad::benchmarks {

struct Arguments::Impl {
    CLI::App app;
};

Arguments::Arguments(const std::string& title) : impl_(new Impl{CLI::App(title)}) {}
Arguments::~Arguments() = default;

template <class T> void Arguments::option(const std::string& name, T& variable, const std::string& help) {
    impl_->app.add_option(name, variable, help);
}
template void Arguments::option(const std::string&, int&, const std::string&);
template void Arguments::option(const std::string&, std::size_t&, const std::string&);
template void Arguments::option(const std::string&, double&, const std::string&);
template void Arguments::option(const std::string&, std::string&, const std::string&);

void Arguments::option(const std::string& name, std::string& variable, const std::vector<std::string>& choices,
                       const std::string& help) {
    impl_->app.add_option(name, variable, help)->check(CLI::IsMember(choices));
}

void Arguments::required(const std::string& name, std::vector<std::string>& variable, const std::string& help) {
    impl_->app.add_option(name, variable, help)->required();
}

void Arguments::flag(const std::string& name, bool& variable) { impl_->app.add_flag(name, variable); }

std::optional<int> Arguments::parse(int argc, const char* const* argv) {
    try {
        impl_->app.parse(argc, argv);
        return std::nullopt;
    } catch (const CLI::ParseError& error) { return impl_->app.exit(error) == 0 ? 0 : 2; }
}

} // namespace handgrad::benchmarks
