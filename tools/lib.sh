# Shared by ./demo, ./check and .ci/run: what the program needs from Debian, and building it.

build_packages="gcc g++ make pkg-config gettext libmicrohttpd-dev libgnutls28-dev libcurl4-openssl-dev libsodium-dev libssl-dev
libjansson-dev libsimdjson-dev libsqlite3-dev libutf8proc-dev libidn2-dev libarchive-dev libcjose-dev libqrencode-dev libseccomp-dev"
# shellcheck disable=SC2034 # used by those who source this file
check_packages="libcmocka-dev perl sqlite3 curl xz-utils zstd gzip bzip2 jq python3 mandoc"

# Install what is missing, and only that; as root, or through sudo.
ensure_packages() {
    local missing=() package as_root=()
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    command -v apt-get >/dev/null || { echo "missing: ${missing[*]}; this is no Debian: install them by hand" >&2; return 1; }
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            { echo "missing: ${missing[*]}; there is no sudo: as root, apt-get install them" >&2; return 1; }
        as_root=(sudo)
    fi
    echo "Installing from Debian: ${missing[*]}" >&2
    # A machine that was just started may be busy with its own upgrades: wait for them.
    "${as_root[@]}" apt-get update -qq -o DPkg::Lock::Timeout=300 >&2 &&
        "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
            -o DPkg::Lock::Timeout=300 "${missing[@]}" >/dev/null
}

# Unpack a package of Debian into a folder, for its program alone: installing some would start a server.
unpack_package() ( # name, folder
    mkdir -p "$2" && cd "$2" || exit 1
    as_root=()
    [ "$(id -u)" = 0 ] || as_root=(sudo)
    apt-get download -qq "$1" 2>/dev/null ||
        { "${as_root[@]}" apt-get update -qq -o DPkg::Lock::Timeout=300 && apt-get download -qq "$1"; } || exit 1
    dpkg-deb -x "$1"_*.deb . && rm "$1"_*.deb
)

ensure_built() { # make's targets; all output only if it fails
    local log
    # shellcheck disable=SC2086
    ensure_packages $build_packages || return 1
    log=$(mktemp)
    if ! make -j"$(nproc)" "${@:-bin}" >"$log" 2>&1; then
        cat "$log" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}
