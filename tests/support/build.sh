# For scripts that run what a preset of its own builds.

# build_preset BUILD PRESET TARGET...: builds the targets in the folder BUILD, which is configured if it was not yet; shows
# what the build says only if it fails.
build_preset() {
    local build=$1 preset=$2
    shift 2
    mkdir -p "$build"
    if [ ! -e "$build/build.ninja" ]; then cmake --preset "$preset" -G Ninja -B "$build" >"$build/build.log"; fi
    cmake --build "$build" --target "$@" --parallel "$(getconf _NPROCESSORS_ONLN)" >"$build/build.log" 2>&1 ||
        { cat "$build/build.log" && exit 1; }
}
