/* SPDX-License-Identifier: Apache-2.0 */
/* A name in the file system outlives its listener if the process dies, and bind refuses
 * a name that exists. So a socket file at which nobody answers is removed before the
 * second try, and so is a file without a byte in it, by which programs reserve a name
 * (mkstemp). Nothing else ever is: a living listener keeps its name, and what somebody
 * has written is not ours to touch. Two processes that find the same dead file in the
 * same instant may still take it from each other: there is no system call to rule that
 * out.
 *
 * `trace` remembers which file listen made (its device and inode), so that unlisten
 * never removes one that somebody else has put there since. It does so before the
 * descriptor is closed: as long as the file is ours, others find it answered. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "transport/os.h"
#include "transport/stream.h"
#include "transport/transport.h"

enum { PATH_ROOM = sizeof(((struct sockaddr_un *)0)->sun_path), BIND_TRIES = 3 };

struct fmq__trace {
    dev_t dev;
    ino_t ino; /* 0: no file was made */
};

static bool
is_wildcard(const fmq__addr *addr)
{
    return strcmp(addr->host, "*") == 0;
}

static int
ipc_parse(const char *text, int purpose, fmq__addr *addr)
{
    fmq__addr made = {.transport = &fmq__transport_ipc};
    bool is_bind = purpose == FMQ__ADDR_BIND;
    size_t len = strlen(text);

    if (len == 0 || strcmp(text, "@") == 0 || (!is_bind && strcmp(text, "*") == 0)) {
        return EINVAL;
    }
    if (len >= PATH_ROOM) {
        return ENAMETOOLONG;
    }
    made.text = fmq__strdup(text);
    made.host = fmq__strdup(text);
    if (is_bind) {
        made.trace = fmq__calloc(1, sizeof(*made.trace));
    }
    if (made.text == NULL || made.host == NULL || (is_bind && made.trace == NULL)) {
        fmq__addr_fini(&made);
        return ENOMEM;
    }
    *addr = made;
    return 0;
}

/* `path` is shorter than PATH_ROOM. Abstract names begin with a zero byte and end with
 * the length, not with a zero. */
static void
set_path(fmq__sockaddr *out, const char *path)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t len = strlen(path);

    memcpy(un.sun_path, path, len);
    if (path[0] == '@') {
        un.sun_path[0] = '\0';
    } else {
        len++;
    }
    memset(out, 0, sizeof(*out));
    memcpy(&out->sa, &un, sizeof(un));
    out->len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
}

/* The wildcard's place is found by listen, which makes it. */
static int
ipc_resolve(const fmq__addr *addr, int purpose, const fmq__stream_opts *opts,
            fmq__sockaddr *out, int max, int *n)
{
    (void)purpose;
    (void)opts;
    if (max < 1) {
        return EINVAL;
    }
    set_path(out, addr->host);
    *n = 1;
    return 0;
}

/* The path a descriptor is bound to, or "" if that is not in the file system. Whether
 * it is bound at all: `*is_bound`, if that is not NULL. */
static int
get_path(int fd, char path[PATH_ROOM + 1], bool *is_bound)
{
    struct sockaddr_un un = {0};
    socklen_t len = sizeof(un);

    if (getsockname(fd, (struct sockaddr *)(void *)&un, &len) != 0) {
        return errno;
    }
    memcpy(path, un.sun_path, PATH_ROOM);
    path[PATH_ROOM] = '\0';
    if (is_bound != NULL) {
        *is_bound = len > offsetof(struct sockaddr_un, sun_path);
    }
    return 0;
}

static int
remove_at(const char *path)
{
    return unlink(path) == 0 || errno == ENOENT ? 0 : errno;
}

/* Removes the file at `path` if nobody listens there. 0: bind again. */
static int
remove_dead_file(const char *path, const fmq__sockaddr *sa)
{
    struct stat before;
    struct stat after;
    int probe;
    int err;

    if (lstat(path, &before) != 0) {
        return errno == ENOENT ? 0 : errno;
    }
    if (S_ISREG(before.st_mode) && before.st_size == 0) {
        return remove_at(path);
    }
    if (!S_ISSOCK(before.st_mode)) {
        return EADDRINUSE;
    }
    err = fmq__stream_socket(AF_UNIX, &probe);
    if (err != 0) {
        return err;
    }
    err = fmq__stream_connect(probe, sa);
    (void)close(probe);
    if (err == ENOENT) {
        return 0;
    }
    if (err != ECONNREFUSED || lstat(path, &after) != 0 ||
        before.st_dev != after.st_dev || before.st_ino != after.st_ino) {
        return EADDRINUSE;
    }
    return remove_at(path);
}

static int
bind_named(int fd, const char *path, const fmq__sockaddr *sa)
{
    int err = fmq__stream_bind(fd, sa);

    for (int i = 1; err == EADDRINUSE && path[0] != '@' && i < BIND_TRIES; i++) {
        int removed = remove_dead_file(path, sa);

        if (removed != 0) {
            return removed;
        }
        err = fmq__stream_bind(fd, sa);
    }
    return err;
}

/* Makes a directory that only we can enter in `parent`, and binds to a file there. */
static int
bind_below(int fd, const char *parent)
{
    static const char pattern[] = "/fastmq-XXXXXX";
    static const char file[] = "/socket";
    char path[PATH_ROOM];
    size_t len = strlen(parent);
    fmq__sockaddr sa;
    int err;

    if (len + sizeof(pattern) + sizeof(file) > sizeof(path)) {
        return ENAMETOOLONG;
    }
    memcpy(path, parent, len);
    memcpy(path + len, pattern, sizeof(pattern));
    if (mkdtemp(path) == NULL) {
        return errno;
    }
    len += sizeof(pattern) - 1;
    memcpy(path + len, file, sizeof(file));
    set_path(&sa, path);
    err = fmq__stream_bind(fd, &sa);
    if (err != 0) {
        path[len] = '\0';
        (void)rmdir(path);
    }
    return err;
}

static int
bind_anywhere(int fd)
{
    static const char *const names[] = {"TMPDIR", "TEMPDIR", "TMP"};

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        const char *parent = getenv(names[i]);

        /* "@..." would name an abstract socket instead of a file in the directory. */
        if (parent != NULL && parent[0] != '\0' && parent[0] != '@' &&
            bind_below(fd, parent) == 0) {
            return 0;
        }
    }
    return bind_below(fd, "/tmp");
}

static void
remember_file(const fmq__addr *addr, int fd)
{
    char path[PATH_ROOM + 1];
    struct stat now;

    if (get_path(fd, path, NULL) == 0 && path[0] != '\0' && lstat(path, &now) == 0) {
        addr->trace->dev = now.st_dev;
        addr->trace->ino = now.st_ino;
    }
}

static void
remove_file(const fmq__addr *addr, int fd)
{
    char path[PATH_ROOM + 1];
    struct stat now;
    char *slash;

    if (addr->trace == NULL || addr->trace->ino == 0 || get_path(fd, path, NULL) != 0 ||
        path[0] == '\0') {
        return;
    }
    if (lstat(path, &now) == 0 && now.st_dev == addr->trace->dev &&
        now.st_ino == addr->trace->ino) {
        (void)unlink(path);
    }
    slash = strrchr(path, '/');
    if (is_wildcard(addr) && slash != NULL) {
        *slash = '\0';
        (void)rmdir(path);
    }
    *addr->trace = (struct fmq__trace){0};
}

static int
ipc_listen(const fmq__addr *addr, const fmq__sockaddr *sa, const fmq__stream_opts *opts,
           int *fd)
{
    int made;
    int err = fmq__stream_socket(AF_UNIX, &made);

    if (err != 0) {
        return err;
    }
    err = is_wildcard(addr) ? bind_anywhere(made) : bind_named(made, addr->host, sa);
    if (err == 0) {
        remember_file(addr, made);
        if (listen(made, opts->backlog) != 0) {
            err = errno;
            remove_file(addr, made);
        }
    }
    if (err != 0) {
        (void)close(made);
        return err;
    }
    *fd = made;
    return 0;
}

static int
ipc_accept(int listen_fd, const fmq__stream_opts *opts, int *fd)
{
    (void)opts;
    return fmq__stream_accept(listen_fd, fd);
}

static void
ipc_unlisten(const fmq__addr *addr, const char *bound_name, int fd)
{
    (void)bound_name;
    remove_file(addr, fd);
    (void)close(fd);
}

static int
ipc_dial(const fmq__addr *addr, const fmq__sockaddr *sa, const fmq__stream_opts *opts,
         int *fd)
{
    int made;
    int err = fmq__stream_socket(AF_UNIX, &made);

    (void)addr;
    (void)opts;
    *fd = -1;
    if (err != 0) {
        return err;
    }
    err = fmq__stream_connect(made, sa);
    if (err != 0 && err != EINPROGRESS) {
        (void)close(made);
        return err;
    }
    *fd = made;
    return err;
}

static int
ipc_local_name(const fmq__addr *addr, int fd, char *buf, size_t cap)
{
    char path[PATH_ROOM + 1];
    bool is_bound;
    int err = get_path(fd, path, &is_bound);
    int n;

    if (err != 0) {
        return err;
    }
    if (is_bound && path[0] == '\0') {
        n = snprintf(buf, cap, "ipc://%s", addr->host); /* an abstract name */
    } else {
        n = snprintf(buf, cap, "ipc://%s", path);
    }
    return n >= 0 && (size_t)n < cap ? 0 : ERANGE;
}

/* Who connects has no path. */
static int
ipc_remote_name(int fd, char *buf, size_t cap)
{
    static const char nameless[] = "ipc://";

    (void)fd;
    if (cap < sizeof(nameless)) {
        return ERANGE;
    }
    memcpy(buf, nameless, sizeof(nameless));
    return 0;
}

static int
ipc_peer_address(int fd, char *buf, size_t cap)
{
    fmq__peer_identity peer;
    int err = fmq__os_identify_peer(fd, &peer);
    int n;

    if (err != 0) {
        return err;
    }
    n = snprintf(buf, cap, "localhost:%lld:%lld:%lld", (long long)peer.uid,
                 (long long)peer.gid, (long long)peer.pid);
    return n >= 0 && (size_t)n < cap ? 0 : ERANGE;
}

const fmq__transport fmq__transport_ipc = {
    .scheme = "ipc",
    .parse = ipc_parse,
    .resolve = ipc_resolve,
    .listen = ipc_listen,
    .accept = ipc_accept,
    .unlisten = ipc_unlisten,
    .dial = ipc_dial,
    .dial_result = fmq__stream_dial_result,
    .local_name = ipc_local_name,
    .remote_name = ipc_remote_name,
    .peer_address = ipc_peer_address,
};
