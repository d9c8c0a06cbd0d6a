# shellcheck shell=bash
# Sourced by tests/*/install. What one of them installs is built once for all checkouts, found again by the hash of
# its pins, and linked into the checkout:
#
#   target/NAME -> ${XDG_CACHE_HOME:-~/.cache}/jobpass/NAME-<hash>
#     .complete      written last; its time is that of the last use
#
# The caller sets `here` (its own folder), has a function `build` that fills the empty folder $kept, and calls
# `keep NAME FILE...`, where the FILEs beside it are the pins. <hash> covers them, this file and the Python that a venv
# is made with. A venv cannot be moved, so it is built in place under a lock, and a folder without .complete is built
# anew. Progress and errors go to standard error.

checkout=${here%/tests/*}
say() { printf '%s/install: %s\n' "${here#"$checkout"/}" "$*" >&2; }
die() { say "$*"; exit 1; }

need() {
    local tool
    for tool; do
        command -v "$tool" >/dev/null ||
            die "$tool is not to be found; Debian: apt-get install python3 python3-venv nodejs npm"
    done
    python3 -c 'import ensurepip, venv' 2>/dev/null ||
        die "python3 cannot make virtual environments; Debian: apt-get install python3-venv"
}

# Wheels only, and nothing but the pins: no package is chosen here, no code of one runs.
python_packages() {
    say "Python packages"
    python3 -m venv "$kept/venv"
    local pip=("$kept/venv/bin/python" -I -m pip --disable-pip-version-check)
    "${pip[@]}" install --quiet --no-deps --no-compile --only-binary :all: -r "$here/requirements.txt" >&2
    "${pip[@]}" check --quiet >&2
}

node_packages() {
    say "Node packages"
    cp "$here/.npmrc" "$here/package.json" "$here/package-lock.json" "$kept/"
    (cd "$kept" && npm ci --loglevel=error --no-progress >&2)
}

keep() {
    local name=$1 link=$checkout/target/$1 cache=${XDG_CACHE_HOME:-$HOME/.cache}/jobpass hash
    shift
    hash=$(cd "$here" && python3 -I - "$@" "$checkout/tests/kept.sh" <<'END'
import hashlib, sys, sysconfig
all_of_it = hashlib.sha256(f"{sys.version} {sys.executable} {sysconfig.get_platform()}\n".encode())
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        all_of_it.update(hashlib.sha256(file.read()).digest())
print(all_of_it.hexdigest()[:16])
END
    )
    kept=$cache/$name-$hash

    if [[ ! -e $kept/.complete ]]; then
        mkdir -p "$cache"
        exec 9>"$kept.lock"
        # The lock belongs to the open file, so it stays with this shell when python3 is gone.
        python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)' 2>/dev/null || {
            say "waiting for another run"
            python3 -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'
        }
        if [[ ! -e $kept/.complete ]]; then
            rm -rf "$kept"
            mkdir -p "$kept"
            build
            touch "$kept/.complete"
            # Builds of other pins that nobody used for a month.
            find "$cache" -mindepth 2 -maxdepth 2 -path "$cache/$name-*/.complete" -mtime +30 -print |
                while IFS= read -r old; do rm -rf "${old%/.complete}"; done
        fi
        exec 9>&-
    fi

    touch "$kept/.complete"
    mkdir -p "$checkout/target"
    [[ -L $link || ! -e $link ]] || die "target/$name is not a symbolic link; remove it"
    [[ $(readlink "$link" || true) == "$kept" ]] || ln -sfn "$kept" "$link"
}
