# shellcheck shell=bash
# Sourced by what takes Debian packages without root and without changing the machine; needs `cache` to be set.

# apt with lists of its own: they are fresh, nothing of the machine's changes, and no root is needed.
apt_get() {
    local dir=$cache/apt
    mkdir -p "$dir/state/lists/partial" "$dir/cache/archives/partial"
    LC_ALL=C apt-get -q -o Dir::State="$dir/state" -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$dir/cache" -o APT::Sandbox::User="$(id -un)" "$@"
}
