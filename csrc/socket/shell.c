/* SPDX-License-Identifier: Apache-2.0 */
/* Handles and the memory behind them.
 *
 * Shells live in blocks that are never freed, so the lock in a shell may be taken
 * through any handle, however stale. A handle is the shell's index, its generation
 * and the process's fork generation, made odd (bit 0), so that no pointer looks like
 * one. The generation rises when a shell is taken and when it is given back; it is odd
 * while it is somebody's socket. A handle from before a fork is refused before its lock
 * is touched: another thread of the parent may have held it.
 *
 *   P1 take: store block (release) -> P2 find: load block (acquire)
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "socket/socket.h"

enum {
    BLOCK_BITS = 6,
    BLOCK_SIZE = 1 << BLOCK_BITS,
    N_BLOCKS = 1024,
    INDEX_BITS = 16,
    GENERATION_SHIFT = INDEX_BITS + 1,
    FORK_SHIFT = GENERATION_SHIFT + 32,
    FORK_BITS = 64 - FORK_SHIFT,
};

_Static_assert(sizeof(fmq_socket) == 8, "a handle has 64 bits");

static _Atomic(fmq__socket *) blocks[N_BLOCKS];
static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static fmq__socket *free_shells; /* under the mutex */
static uint32_t n_blocks;        /* under the mutex */

static bool
add_block(void)
{
    fmq__socket *block;

    if (n_blocks == N_BLOCKS) {
        return false;
    }
    block = fmq__calloc(BLOCK_SIZE, sizeof(fmq__socket));
    if (block == NULL) {
        return false;
    }
    for (uint32_t i = BLOCK_SIZE; i-- > 0;) {
        fmq__hub_init_shell(&block[i].hub);
        block[i].index = n_blocks << BLOCK_BITS | i;
        block[i].next_free = free_shells;
        free_shells = &block[i];
    }
    atomic_store_explicit(&blocks[n_blocks], block, memory_order_release); /* P1 */
    n_blocks++;
    return true;
}

fmq__socket *
fmq__shell_take(void)
{
    fmq__socket *s = NULL;

    fmq__mutex_lock(&pool_mutex);
    if (free_shells != NULL || add_block()) {
        s = free_shells;
        free_shells = s->next_free;
    }
    fmq__mutex_unlock(&pool_mutex);
    return s;
}

void
fmq__shell_give(fmq__socket *s)
{
    fmq__mutex_lock(&pool_mutex);
    s->next_free = free_shells;
    free_shells = s;
    fmq__mutex_unlock(&pool_mutex);
}

static fmq_socket
fork_part(void)
{
    return (fmq_socket)(fmq__fork_generation() & ((1U << FORK_BITS) - 1)) << FORK_SHIFT;
}

void
fmq__shell_before_fork(void)
{
    fmq__mutex_lock(&pool_mutex);
}

void
fmq__shell_after_fork(void)
{
    fmq__mutex_unlock(&pool_mutex);
}

fmq_socket
fmq__shell_handle(const fmq__socket *s)
{
    return fork_part() | (fmq_socket)s->hub.generation << GENERATION_SHIFT |
           (fmq_socket)s->index << 1 | 1;
}

int
fmq__socket_enter(fmq_socket handle, bool try_only, fmq__socket **socket)
{
    uint32_t index = (uint32_t)(handle >> 1) & ((1U << INDEX_BITS) - 1);
    fmq__socket *block = atomic_load_explicit(&blocks[index >> BLOCK_BITS],
                                              memory_order_acquire); /* P2 */
    fmq__socket *s;

    if ((handle & 1) == 0 || block == NULL ||
        handle >> FORK_SHIFT != fork_part() >> FORK_SHIFT) {
        return ENOTSOCK;
    }
    s = &block[index & (BLOCK_SIZE - 1)];
    if (!try_only) {
        fmq__lock_take(&s->hub.lock);
    } else if (!fmq__lock_try(&s->hub.lock)) {
        return FMQ_EBUSY_TRY;
    }
    if (fmq__shell_handle(s) != handle || (s->hub.generation & 1) == 0) {
        fmq__hub_unlock(&s->hub);
        return ENOTSOCK;
    }
    *socket = s;
    return 0;
}

int
fmq__socket_enter_open(fmq_socket handle, bool try_only, fmq__socket **socket)
{
    int err = fmq__socket_enter(handle, try_only, socket);

    if (err != 0) {
        return err;
    }
    err = fmq__hub_state(&(*socket)->hub);
    if (err != 0) {
        fmq__hub_unlock(&(*socket)->hub);
        return err;
    }
    fmq__hub_count_call(&(*socket)->hub);
    return 0;
}
