/* SPDX-License-Identifier: Apache-2.0 */
/* After a handshake of PLAIN, which a ZAP handler was asked about, no copy of the
 * password is left in the memory of the process but those that users of the library
 * made: all of it is read and searched. */
#include <fcntl.h>
#include <stdio.h>

#include "base/bytes.h"
#include "sockets.h"

enum { PLAIN_SERVER = 44, PLAIN_USERNAME = 45, PLAIN_PASSWORD = 46 };
/* MAPPING_MAX: what is longer is a sanitizer's. */
enum { WINDOW = 1 << 16, MAPPING_MAX = 1 << 30 };

/* The password of a length is nowhere in one piece but where it is made. */
static char
letter_at(size_t i, size_t len)
{
    return (char)('a' + (i * i * 7 + i * 3 + len) % 26);
}

static void
make_password(char *to, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        to[i] = letter_at(i, len);
    }
}

/* Whether it is at `p`. */
static bool
is_password(const volatile char *p, size_t len)
{
    size_t n = 0;

    while (n < len && p[n] == letter_at(n, len)) {
        n++;
    }
    return n == len;
}

static size_t
count_in(const char *bytes, size_t n, size_t len)
{
    const char *end = bytes + n;
    const char *p = bytes;
    size_t found = 0;

    while ((p = memchr(p, letter_at(0, len), (size_t)(end - p))) != NULL) {
        found += (size_t)(end - p) >= len && is_password(p, len);
        p++;
    }
    return found;
}

static bool
can_look(void)
{
#if defined(__SANITIZE_THREAD__)
    return false; /* its own memory is most of all, and changes */
#else
    return access("/proc/self/mem", R_OK) == 0;
#endif
}

/* How often the password of a length is in what this process may write. */
static size_t
count_copies(size_t len)
{
    static char window[WINDOW];
    FILE *maps = fopen("/proc/self/maps", "r");
    int memory = open("/proc/self/mem", O_RDONLY);
    unsigned long long from;
    unsigned long long to;
    char rights[8];
    char line[512];
    size_t found = 0;

    REQUIRE(maps != NULL && memory >= 0);
    while (fgets(line, sizeof(line), maps) != NULL) {
        if (sscanf(line, "%llx-%llx %4s", &from, &to, rights) != 3 ||
            rights[1] != 'w' || to - from > MAPPING_MAX) {
            continue;
        }
        while (from < to) {
            ssize_t n = pread(memory, window, WINDOW, (off_t)from);

            if (n <= 0) {
                break;
            }
            /* This is no copy, but what was found in one. */
            if (from > (uintptr_t)window + WINDOW ||
                from + (size_t)n <= (uintptr_t)window) {
                found += count_in(window, (size_t)n, len);
            }
            from += (size_t)n == WINDOW ? WINDOW - len : (size_t)n;
        }
    }
    fmq__wipe(window, WINDOW);
    (void)fclose(maps);
    (void)close(memory);
    return found;
}

TEST(a_copy_is_found)
{
    char password[40];
    size_t before;

    if (!can_look()) {
        return;
    }
    make_password(password, sizeof(password));
    before = count_copies(sizeof(password));
    CHECK(before >= 1);
    fmq__wipe(password, sizeof(password));
    CHECK_EQ(count_copies(sizeof(password)), 0);
}

/* The handler: takes the request by messages or into buffers, and says yes. */
static void
answer(fmq_socket handler, size_t len)
{
    static const char *const reply[] = {"1.0", "1", "200", "OK", "joe", ""};
    fmq_msg *parts = NULL;
    size_t n = 0;

    REQUIRE(fmq_recvv(handler, &parts, &n, 0) == 0);
    CHECK_EQ(n, 8);
    CHECK_EQ(fmq_msg_size(&parts[7]), len);
    CHECK(is_password(fmq_msg_data(&parts[7]), len));
    fmq_parts_free(parts, n);
    for (size_t i = 0; i < 6; i++) {
        CHECK_EQ(send_text(handler, reply[i], i < 5 ? FMQ_SNDMORE : 0), 0);
    }
}

static void
shake_with(size_t len)
{
    fmq_ctx ctx = new_ctx();
    fmq_socket handler = new_brisk(ctx, REP);
    fmq_socket server = new_brisk(ctx, PULL);
    fmq_socket client = new_brisk(ctx, PUSH);
    char password[255];

    CHECK_EQ(fmq_bind(handler, "inproc://zeromq.zap.01"), 0);
    set_int(server, PLAIN_SERVER, 1);
    CHECK_EQ(fmq_setsockopt(client, PLAIN_USERNAME, "joe", 3), 0);
    make_password(password, len);
    CHECK_EQ(fmq_setsockopt(client, PLAIN_PASSWORD, password, len), 0);
    fmq__wipe(password, sizeof(password));
    join(server, client, "tcp://127.0.0.1:*");
    answer(handler, len);
    CHECK_EQ(send_text(client, "hello", 0), 0);
    expect_text(server, "hello");
    CHECK_EQ(fmq_socket_close(client), 0);
    CHECK_EQ(fmq_socket_close(server), 0);
    CHECK_EQ(fmq_socket_close(handler), 0);
    end_ctx(ctx);
    CHECK_EQ(count_copies(len), 0);
}

TEST(no_password_is_left)
{
    static const size_t lens[] = {12, 32, 33, 100, 255};

    for (size_t i = 0; can_look() && i < sizeof(lens) / sizeof(lens[0]); i++) {
        shake_with(lens[i]);
    }
}

int
main(void)
{
    static const check_case cases[] = {
        CASE(a_copy_is_found),
        CASE(no_password_is_left),
    };

    return CHECK_MAIN(cases);
}
