/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "endpoint.h"

#define IPC (&fmq__transport_ipc)

enum { PATH_ROOM = sizeof(((struct sockaddr_un *)0)->sun_path) };

/* A folder of this test's own, with room for a name in it. */
static char folder[60];
static fmq__stream_opts opts;

typedef struct place {
    char path[PATH_ROOM];
    char endpoint[PATH_ROOM + 6];
} place;

static place
place_named(const char *name)
{
    place p;

    (void)snprintf(p.path, sizeof(p.path), "%s/%s", folder, name);
    (void)snprintf(p.endpoint, sizeof(p.endpoint), "ipc://%s", p.path);
    return p;
}

static bool
is_there(const char *path)
{
    struct stat ignored;

    return lstat(path, &ignored) == 0;
}

/* A plain socket bound to `path`, not listening. */
static int
bind_plain(const char *path, int type)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    (void)snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
    REQUIRE(fd >= 0);
    REQUIRE(bind(fd, (struct sockaddr *)(void *)&un, sizeof(un)) == 0);
    return fd;
}

/* Dials and accepts. Callers that were there before and have gone are let through. */
static void
check_connects(const listener *l, const char *endpoint)
{
    char expected[100];
    char address[100] = "";
    struct pollfd item = {.events = POLLIN};
    int near;
    int far;

    REQUIRE(dial_and_wait(IPC, endpoint, &opts, &near) == 0);
    REQUIRE(write(near, "x", 1) == 1);
    for (;;) {
        char c;
        size_t n;

        REQUIRE(accept_one(l, &opts, &far) == 0);
        item.fd = far;
        REQUIRE(poll(&item, 1, ENDPOINT_PATIENCE_MS) == 1);
        if (fmq__stream_read(far, &c, 1, &n) == 0) {
            break;
        }
        (void)close(far);
    }
    CHECK(is_private_and_non_blocking(near));
    CHECK(is_private_and_non_blocking(far));
    (void)snprintf(expected, sizeof(expected), "localhost:%u:%u:%d", (unsigned)getuid(),
                   (unsigned)getgid(), (int)getpid());
    CHECK_EQ(IPC->peer_address(far, address, sizeof(address)), 0);
    CHECK_STR(address, expected);
    CHECK_EQ(IPC->peer_address(near, address, sizeof(address)), 0);
    CHECK_STR(address, expected);
    CHECK_EQ(IPC->peer_address(near, address, strlen(expected)), ERANGE);
    check_passes(near, far);
    check_passes(far, near);
    (void)close(near);
    (void)close(far);
}

TEST(listens_at_a_path)
{
    place p = place_named("path");
    int free_fd = next_fd();
    listener l;

    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    CHECK_STR(l.name, p.endpoint);
    CHECK(is_private_and_non_blocking(l.fd));
    check_connects(&l, p.endpoint);
    unlisten(&l);
    CHECK(!is_there(p.path));
    CHECK_EQ(next_fd(), free_fd);
}

TEST(nobody_waits)
{
    place p = place_named("idle");
    listener l;
    int fd = -1;

    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    CHECK_EQ(IPC->accept(l.fd, &opts, &fd), EAGAIN);
    CHECK_EQ(fd, -1);
    unlisten(&l);
}

TEST(a_path_as_long_as_can_be)
{
    char endpoint[PATH_ROOM + 20] = "ipc://";
    listener l;

    (void)snprintf(endpoint, sizeof(endpoint), "ipc://%s/", folder);
    for (size_t len = strlen(endpoint); len < PATH_ROOM - 1 + 6; len++) {
        endpoint[len] = 'p';
        endpoint[len + 1] = '\0';
    }
    REQUIRE(listen_at(&l, endpoint, &opts) == 0);
    CHECK_STR(l.name, endpoint);
    check_connects(&l, endpoint);
    unlisten(&l);
    CHECK(!is_there(endpoint + 6));
}

TEST(listens_at_an_abstract_name)
{
    char endpoint[60];
    char longest[PATH_ROOM + 6];
    listener l;
    listener second;

    (void)snprintf(endpoint, sizeof(endpoint), "ipc://@fastmq-test-%d", (int)getpid());
    REQUIRE(listen_at(&l, endpoint, &opts) == 0);
    CHECK_STR(l.name, endpoint);
    check_connects(&l, endpoint);
    CHECK_EQ(listen_at(&second, endpoint, &opts), EADDRINUSE);
    unlisten(&l);
    REQUIRE(listen_at(&l, endpoint, &opts) == 0);
    unlisten(&l);

    (void)snprintf(longest, sizeof(longest), "ipc://@%0*d", PATH_ROOM - 2,
                   (int)getpid());
    REQUIRE(listen_at(&l, longest, &opts) == 0);
    CHECK_STR(l.name, longest);
    check_connects(&l, longest);
    unlisten(&l);
}

TEST(an_abstract_name_is_no_longer_than_its_text)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    char endpoint[ENDPOINT_NAME_ROOM];
    int n;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    listener l;

    REQUIRE(fd >= 0);
    n = snprintf(un.sun_path + 1, sizeof(un.sun_path) - 1, "fastmq-len-%d",
                 (int)getpid());
    (void)snprintf(endpoint, sizeof(endpoint), "ipc://@%s", un.sun_path + 1);
    REQUIRE(listen_at(&l, endpoint, &opts) == 0);
    CHECK_EQ(
        connect(fd, (struct sockaddr *)(void *)&un,
                (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n)),
        0);
    (void)close(fd);
    unlisten(&l);
}

TEST(a_dead_listeners_file_is_taken_over)
{
    place p = place_named("dead");
    listener l;

    (void)close(bind_plain(p.path, SOCK_STREAM));
    CHECK(is_there(p.path));
    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    check_connects(&l, p.endpoint);
    unlisten(&l);
    CHECK(!is_there(p.path));
}

TEST(a_living_listener_keeps_its_name)
{
    place p = place_named("alive");
    int free_fd = next_fd();
    listener first;
    listener second;

    REQUIRE(listen_at(&first, p.endpoint, &opts) == 0);
    CHECK_EQ(listen_at(&second, p.endpoint, &opts), EADDRINUSE);
    CHECK_EQ(second.fd, -1);
    check_connects(&first, p.endpoint);
    unlisten(&first);
    REQUIRE(listen_at(&second, p.endpoint, &opts) == 0);
    check_connects(&second, p.endpoint);
    unlisten(&second);
    CHECK_EQ(next_fd(), free_fd);
}

TEST(a_listener_with_a_full_queue_is_alive)
{
    fmq__stream_opts narrow = opts;
    place p = place_named("full");
    int fd[8];
    int n = 0;
    int err = 0;
    listener first;
    listener second;

    narrow.backlog = 0;
    REQUIRE(listen_at(&first, p.endpoint, &narrow) == 0);
    while (n < 8 && (err = dial(p.endpoint, &opts, &fd[n])) == 0) {
        n++;
    }
    CHECK_EQ(err, EAGAIN);
    CHECK(n < 8 && fd[n] == -1);
    CHECK_EQ(listen_at(&second, p.endpoint, &opts), EADDRINUSE);
    while (n > 0) {
        n--;
        (void)close(fd[n]);
    }
    unlisten(&first);
}

static void
check_is_not_taken(const place *p)
{
    struct stat before;
    struct stat after;
    listener l;

    REQUIRE(lstat(p->path, &before) == 0);
    CHECK_EQ(listen_at(&l, p->endpoint, &opts), EADDRINUSE);
    REQUIRE(lstat(p->path, &after) == 0);
    CHECK_EQ(before.st_ino, after.st_ino);
    CHECK_EQ(before.st_mode, after.st_mode);
}

TEST(what_is_no_listener_stays)
{
    place file = place_named("file");
    place directory = place_named("directory");
    place link = place_named("link");
    place datagrams = place_named("datagrams");
    int fd = open(file.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);

    REQUIRE(fd >= 0 && mkdir(directory.path, 0700) == 0);
    REQUIRE(write(fd, "x", 1) == 1);
    REQUIRE(symlink("nowhere", link.path) == 0);
    (void)close(fd);
    fd = bind_plain(datagrams.path, SOCK_DGRAM);
    check_is_not_taken(&file);
    check_is_not_taken(&directory);
    check_is_not_taken(&link);
    check_is_not_taken(&datagrams);
    (void)close(fd);
    CHECK_EQ(unlink(file.path), 0);
    CHECK_EQ(rmdir(directory.path), 0);
    CHECK_EQ(unlink(link.path), 0);
    CHECK_EQ(unlink(datagrams.path), 0);
}

/* As mkstemp leaves it. */
TEST(an_empty_file_only_keeps_the_name)
{
    place p = place_named("reserved");
    int fd = open(p.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    listener l;

    REQUIRE(fd >= 0);
    (void)close(fd);
    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    check_connects(&l, p.endpoint);
    unlisten(&l);
}

TEST(a_file_that_others_put_there_stays)
{
    place p = place_named("replaced");
    place aside = place_named("aside");
    listener l;
    int fd;

    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    /* Aside, not unlinked: its inode must not be used again. */
    REQUIRE(rename(p.path, aside.path) == 0);
    fd = open(p.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    REQUIRE(fd >= 0);
    (void)close(fd);
    unlisten(&l);
    CHECK(is_there(p.path));
    CHECK_EQ(unlink(p.path), 0);
    CHECK_EQ(unlink(aside.path), 0);
}

TEST(a_file_that_is_gone_is_no_matter)
{
    place p = place_named("gone");
    listener l;

    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    CHECK_EQ(unlink(p.path), 0);
    unlisten(&l);
    CHECK(!is_there(p.path));
}

TEST(bind_and_connect_tell_what_is_wrong)
{
    place nowhere = place_named("no/such/folder");
    place dead = place_named("refused");
    place nothing = place_named("nothing");
    int free_fd = next_fd();
    listener l;
    int fd;

    CHECK_EQ(listen_at(&l, nowhere.endpoint, &opts), ENOENT);
    CHECK_EQ(dial(nothing.endpoint, &opts, &fd), ENOENT);
    CHECK_EQ(fd, -1);
    (void)close(bind_plain(dead.path, SOCK_STREAM));
    CHECK_EQ(dial(dead.endpoint, &opts, &fd), ECONNREFUSED);
    CHECK_EQ(fd, -1);
    CHECK_EQ(unlink(dead.path), 0);
    CHECK_EQ(next_fd(), free_fd);
}

/* Listens at a place of the system's choice, which must be in `parent`. */
static void
check_wildcard(const char *parent)
{
    char path[ENDPOINT_NAME_ROOM];
    struct stat status;
    listener l;

    REQUIRE(listen_at(&l, "ipc://*", &opts) == 0);
    check_connects(&l, l.name);
    (void)snprintf(path, sizeof(path), "%s", l.name + 6);
    CHECK(strncmp(path, parent, strlen(parent)) == 0 && path[strlen(parent)] == '/');
    CHECK(is_there(path));
    *strrchr(path, '/') = '\0';
    CHECK(strcmp(path, parent) != 0);
    REQUIRE(stat(path, &status) == 0);
    CHECK(S_ISDIR(status.st_mode));
    CHECK_EQ(status.st_mode & 0777, 0700);
    unlisten(&l);
    CHECK(!is_there(path));
}

TEST(the_wildcard_is_a_file_in_a_private_directory)
{
    char too_long[200];
    listener l;
    listener second;

    memset(too_long, 'x', sizeof(too_long) - 1);
    too_long[sizeof(too_long) - 1] = '\0';

    CHECK_EQ(setenv("TMPDIR", folder, 1), 0);
    check_wildcard(folder);
    REQUIRE(listen_at(&l, "ipc://*", &opts) == 0);
    REQUIRE(listen_at(&second, "ipc://*", &opts) == 0);
    CHECK(strcmp(l.name, second.name) != 0);
    unlisten(&l);
    unlisten(&second);

    /* What is of no use is passed over. */
    CHECK_EQ(setenv("TMPDIR", too_long, 1), 0);
    CHECK_EQ(setenv("TEMPDIR", "/no/such/folder", 1), 0);
    CHECK_EQ(setenv("TMP", folder, 1), 0);
    check_wildcard(folder);
    CHECK_EQ(setenv("TMPDIR", "@abstract", 1), 0);
    CHECK_EQ(setenv("TEMPDIR", "", 1), 0);
    check_wildcard(folder);
    CHECK_EQ(unsetenv("TMPDIR"), 0);
    CHECK_EQ(unsetenv("TEMPDIR"), 0);
    CHECK_EQ(unsetenv("TMP"), 0);
    check_wildcard("/tmp");
}

TEST(a_name_needs_room)
{
    place p = place_named("room");
    char buf[ENDPOINT_NAME_ROOM];
    listener l;

    REQUIRE(listen_at(&l, p.endpoint, &opts) == 0);
    CHECK_EQ(IPC->local_name(&l.addr, l.fd, buf, strlen(l.name)), ERANGE);
    CHECK_EQ(IPC->local_name(&l.addr, l.fd, buf, strlen(l.name) + 1), 0);
    CHECK_STR(buf, l.name);
    CHECK_EQ(IPC->local_name(&l.addr, -1, buf, sizeof(buf)), EBADF);
    CHECK_EQ(IPC->peer_address(-1, buf, sizeof(buf)), EBADF);
    unlisten(&l);
}

static const check_case cases[] = {
    CASE(listens_at_a_path),
    CASE(nobody_waits),
    CASE(a_path_as_long_as_can_be),
    CASE(listens_at_an_abstract_name),
    CASE(an_abstract_name_is_no_longer_than_its_text),
    CASE(a_dead_listeners_file_is_taken_over),
    CASE(a_living_listener_keeps_its_name),
    CASE(a_listener_with_a_full_queue_is_alive),
    CASE(what_is_no_listener_stays),
    CASE(an_empty_file_only_keeps_the_name),
    CASE(a_file_that_others_put_there_stays),
    CASE(a_file_that_is_gone_is_no_matter),
    CASE(bind_and_connect_tell_what_is_wrong),
    CASE(a_name_needs_room),
    CASE(the_wildcard_is_a_file_in_a_private_directory),
};

int
main(void)
{
    int result;

    /* Not in TMPDIR, which may be too long for the name of a socket. */
    (void)snprintf(folder, sizeof(folder), "/tmp/fastmq-test-XXXXXX");
    REQUIRE(mkdtemp(folder) != NULL);
    fmq__stream_opts_init(&opts);
    result = CHECK_MAIN(cases);
    /* Also says whether anything was left behind. */
    REQUIRE(rmdir(folder) == 0);
    return result;
}
