/* SPDX-License-Identifier: Apache-2.0 */
/* deny: has the kernel refuse things, for the error paths of tests.
 *
 * Threads: deny_syscall holds for the calling thread and those it starts later, for
 * good; so use it last.
 */
#ifndef FMQ_TESTS_DENY_H
#define FMQ_TESTS_DENY_H

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/* From now on the system call `nr` fails with `error`: false if this kernel does not
 * let us have that. */
static inline bool
deny_syscall(long nr, int error)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (uint32_t)error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0;
}

/* No more than `n` descriptors may be open (those that are, stay). Returns the limit
 * that was, to be given back with another call. */
static inline rlim_t
deny_descriptors(rlim_t n)
{
    struct rlimit limit;
    rlim_t before;

    getrlimit(RLIMIT_NOFILE, &limit);
    before = limit.rlim_cur;
    limit.rlim_cur = n;
    setrlimit(RLIMIT_NOFILE, &limit);
    return before;
}

#endif
