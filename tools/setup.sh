# SPDX-License-Identifier: Apache-2.0
# Sourced by ./run: fastmq_setup JOB makes .venv able to do JOB (demo or test).
#
# Steps, each skipped when it has nothing to do: system packages, virtual
# environment, Python packages, fastmq itself (a plain wheel install of the checkout).
# A stamp in .venv remembers what was last installed; a second run takes no time.

note() {
    echo "fastmq: $*" >&2
}

die() {
    note "$*"
    exit 1
}

# Prints what this machine lacks, as Debian package names.
missing_packages() {
    if [ -z "$(compiler)" ]; then
        echo gcc
        echo libc6-dev
    elif ! echo '#include <stdlib.h>' | "$(compiler)" -E - >/dev/null 2>&1; then
        echo libc6-dev
    fi
    if ! has_python_headers; then
        echo "$python_deb-dev"
    fi
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        echo "$python_deb-venv"
    fi
}

# Nice to have: fastmq builds, and JOB ($1) does what it can, without these.
wanted_packages() {
    has_header sodium.h || echo libsodium-dev
    has_header gssapi/gssapi_ext.h || echo libkrb5-dev
    if [ "$1" = test ] && ! command -v valgrind >/dev/null 2>&1; then
        echo valgrind # counts instructions
    fi
}

has_header() {
    local dir
    for dir in /usr/include /usr/local/include /opt/homebrew/include; do
        if [ -e "$dir/$1" ]; then
            return
        fi
    done
    return 1
}

compiler() {
    local candidate
    for candidate in ${CC:-} cc gcc clang; do
        if command -v "$candidate" >/dev/null 2>&1; then
            echo "$candidate"
            return
        fi
    done
}

has_python_headers() {
    "$python" -c '
import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))'
}

# Without root: apt with lists and cache of its own, so it needs no rights.
apt_aside() {
    apt-get -qq -o "Dir::State::Lists=$aside/lists" -o "Dir::Cache=$aside/cache" \
        -o Debug::NoLocking=1 -o APT::Sandbox::User= "$@"
}

# Unpacks packages, and what they need and is not installed, into $aside/root and
# points the build at them.
unpack_aside() {
    local names name
    mkdir -p "$aside/lists/partial" "$aside/cache/archives/partial" "$aside/debs"
    apt_aside update >/dev/null 2>&1 || return 1
    # A compiler with a root of its own needs the C library in it, installed or not.
    names=$(
        apt_aside install --print-uris -y --no-install-recommends "$@" |
            sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p"
    ) || return 1
    case " $* " in
        *" libc6-dev "*) names="$names libc6 libgcc-s1" ;;
    esac
    for name in $names; do
        (cd "$aside/debs" && apt_aside download "$name" >/dev/null 2>&1) || return 1
    done
    unpack_debs "$aside/debs" "$aside/root"
}

# Uses what unpack_aside left there, in this run or an earlier one.
use_aside() {
    local root=$aside/root gcc libs include
    [ -d "$root" ] || return 0
    include=$root/usr/include/$python_deb_full
    if [ -e "$include/Python.h" ] && ! has_python_headers; then
        export CFLAGS="${CFLAGS:-} -I$include -I$root/usr/include"
        export CMAKE_ARGS="${CMAKE_ARGS:-} -DPython_INCLUDE_DIR=$include"
    fi
    gcc=$(find "$root/usr/bin" -name 'gcc-[0-9]*' 2>/dev/null | head -n 1) || true
    if [ -n "$gcc" ] && ! command -v cc >/dev/null 2>&1; then
        libs=$(dirname "$(find "$root/usr/lib" -name libc.so | head -n 1)")
        mkdir -p "$aside/bin" "$aside/runtime"
        # Programs built under a sanitizer find its library, and no other, in there.
        ln -sf "$libs"/lib{a,l,t,ub}san.so.* "$aside/runtime"
        {
            echo '#!/bin/sh'
            echo "LD_LIBRARY_PATH=$libs\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
            echo "PATH=$root/usr/bin:\$PATH"
            echo 'export LD_LIBRARY_PATH PATH'
            echo "exec $gcc --sysroot=$root -Wl,-rpath,$aside/runtime \"\$@\""
        } >"$aside/bin/cc"
        for tool in ar nm ranlib ld; do
            {
                echo '#!/bin/sh'
                echo "LD_LIBRARY_PATH=$libs\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}"
                echo 'export LD_LIBRARY_PATH'
                echo "exec $root/usr/bin/$tool \"\$@\""
            } >"$aside/bin/$tool"
        done
        chmod +x "$aside"/bin/*
    fi
    if [ -x "$aside/bin/cc" ]; then
        export CC=$aside/bin/cc PATH=$aside/bin:$PATH
    fi
}

setup_system() {
    local missing wanted
    use_aside
    missing=$(missing_packages | tr '\n' ' ')
    wanted=$(wanted_packages "$1" | tr '\n' ' ')
    if [ -z "$missing" ] && [ -z "$wanted" ]; then
        return
    fi
    if ! command -v apt-get >/dev/null 2>&1; then
        note "not found on this system (Debian's names): $missing$wanted"
    elif [ "$(id -u)" -eq 0 ]; then
        note "installing $missing$wanted"
        export DEBIAN_FRONTEND=noninteractive
        if ! { apt-get -qq update &&
            apt-get -qq install -y --no-install-recommends $missing $wanted; } \
            >build/apt.log 2>&1; then
            tail -n 5 build/apt.log >&2
            note "apt-get failed; going on without: $missing$wanted"
        fi
    else
        note "to have everything, as root: apt-get install $missing$wanted"
        if [ -n "$missing" ] && [ ! -e "$aside/done" ]; then
            if unpack_aside $missing; then
                touch "$aside/done"
            fi
            use_aside
        fi
    fi
    if [ -z "$(compiler)" ]; then
        die "no C compiler; as root: apt-get install $missing"
    fi
}

# The tests of GSSAPI start a KDC of their own. Its packages are only unpacked: installed,
# they would have the system start one, too.
setup_kdc() {
    if [ -e build/kerberos ] || [ -x /usr/sbin/krb5kdc ] || [ "$(id -u)" -ne 0 ] ||
        command -v krb5kdc >/dev/null 2>&1 || ! command -v apt-get >/dev/null 2>&1; then
        return
    fi
    note "unpacking a KDC for the tests"
    if ! { unpack_kdc || { apt-get -qq update && unpack_kdc; }; } >build/kerberos.log 2>&1; then
        note "no KDC; going on without (see build/kerberos.log)"
    fi
    rm -rf build/kerberos-debs build/kerberos-new
}

unpack_kdc() {
    local names
    # What it needs and is not there, but for what only its configuration wants.
    names=$(
        apt-get -qq install --simulate --no-install-recommends \
            krb5-kdc krb5-admin-server |
            sed -n 's/^Inst \([^ ]*\) .*/\1/p' | grep -v '^bind9\|^krb5-config$'
    ) || return 1
    rm -rf build/kerberos-debs build/kerberos-new
    mkdir -p build/kerberos-debs build/kerberos-new
    (cd build/kerberos-debs && apt-get -qq -o APT::Sandbox::User= download $names) &&
        unpack_debs build/kerberos-debs build/kerberos-new &&
        mv build/kerberos-new build/kerberos
}

unpack_debs() {
    local deb
    for deb in "$1"/*.deb; do
        dpkg -x "$deb" "$2" || return 1
    done
}

setup_venv() {
    local wheels
    if [ -x .venv/bin/python ] && [ "$(python_id .venv/bin/python)" = "$(python_id "$python")" ] &&
        .venv/bin/python -c 'import pip' >/dev/null 2>&1; then
        return
    fi
    note "making .venv with $python"
    rm -rf .venv
    if "$python" -c 'import ensurepip' >/dev/null 2>&1; then
        "$python" -m venv .venv
        return
    fi
    # Debian keeps pip's own wheel in a package, which can be unpacked anywhere.
    "$python" -m venv --without-pip .venv
    wheels=$(find "$aside/root/usr/share/python-wheels" /usr/share/python-wheels \
        -name 'pip-*.whl' 2>/dev/null | head -n 1) || true
    [ -n "$wheels" ] || die "no pip; as root: apt-get install $python_deb-venv"
    PYTHONPATH=$wheels .venv/bin/python -m pip install -q pip
}

python_id() {
    "$1" -c '
import os, sys
print(sys.version, os.path.realpath(sys._base_executable))'
}

# Prints the lists of these names in pyproject.toml, one entry a line (Python 3.10
# has no TOML reader).
pyproject_lists() {
    "$python" - "$@" <<'EOF'
import ast, re, sys

with open("pyproject.toml", encoding="utf-8") as file:
    text = file.read()
for name in sys.argv[1:]:
    match = re.search(rf"^{name} = (\[.*?\])$", text, re.M | re.S)
    print(*ast.literal_eval(match[1]), sep="\n")
EOF
}

digest() {
    find "$@" -type f -not -name '*.pyc' -print0 2>/dev/null | sort -z |
        xargs -0 sha256sum | sha256sum | cut -c1-64
}

# Brings Python packages and fastmq up to date for the extras named.
setup_packages() {
    local stamp=.venv/.fastmq-$1 tools sources build_dir requires
    tools=$(digest pyproject.toml)
    sources=$(digest CMakeLists.txt cmake csrc fastmq pyproject.toml)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$tools" ]; then
        note "installing the Python packages"
        # Built in this environment, so that a later build can go on from this one.
        mapfile -t requires < <(pyproject_lists requires "$@" | grep -v '^fastmq')
        .venv/bin/pip install -q --disable-pip-version-check cmake ninja "${requires[@]}"
        echo "$tools" >"$stamp"
    fi
    if [ "$(cat .venv/.fastmq-installed 2>/dev/null)" != "$sources" ]; then
        note "building fastmq"
        rm -f .venv/.fastmq-installed
        build_dir=build/wheel-$(.venv/bin/python -c 'import sys; print(sys.implementation.cache_tag)')
        PATH=$PWD/.venv/bin:$PATH .venv/bin/pip install -q --disable-pip-version-check \
            --no-build-isolation --no-deps --force-reinstall \
            "--config-settings=build-dir=$build_dir" .
        echo "$sources" >.venv/.fastmq-installed
    fi
}

fastmq_setup() {
    python=$(command -v "${PYTHON:-python3}") || die "${PYTHON:-python3} not found"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
        die "$python is older than Python 3.10"
    # From inside a virtual environment, the interpreter it was made with.
    python=$("$python" -c 'import sys; print(sys._base_executable)')
    python_deb_full=python$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
    # Debian's own interpreter has its headers in python3-dev; others bring theirs.
    python_deb=python3
    aside=$PWD/build/aside
    mkdir -p build
    exec 9>build/setup.lock
    flock 9
    setup_system "$1"
    setup_venv
    case $1 in
        demo) setup_packages demo ;;
        test)
            setup_kdc
            setup_packages test demo dev bench
            ;;
    esac
    exec 9>&-
}
