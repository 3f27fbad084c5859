/* SPDX-License-Identifier: Apache-2.0 */
/* Handles and the memory behind them.
 *
 * Shells live in blocks that are never freed, so the lock in a shell may be taken
 * through any handle, however stale. A handle is the shell's index, its generation
 * and the process's fork generation over the two bits 01, so that no pointer and no
 * context's handle (11) looks like one. The generation rises when a shell is taken and
 * when it is given back; it is odd while it is somebody's socket. A handle from before
 * a fork is refused before its lock is touched: another thread of the parent may have
 * held it. The same goes for the locks of shells in the pool (a stale handle may have
 * been looked at), so a child gets new ones.
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
    MARK = 1,
    MARK_BITS = 2,
    GENERATION_SHIFT = INDEX_BITS + MARK_BITS,
    FORK_SHIFT = GENERATION_SHIFT + 32,
    FORK_BITS = 64 - FORK_SHIFT,
};

_Static_assert(sizeof(fmq_socket) == 8, "a handle has 64 bits");

static _Atomic(fmq__socket *) blocks[N_BLOCKS];
static pthread_mutex_t pool_mutex = PTHREAD_MUTEX_INITIALIZER;
static fmq__socket *free_shells; /* under the mutex */
static uint32_t n_blocks;        /* under the mutex */

static int
add_block(void)
{
    fmq__socket *block;

    if (n_blocks == N_BLOCKS) {
        return EMFILE;
    }
    block = fmq__calloc(BLOCK_SIZE, sizeof(fmq__socket));
    if (block == NULL) {
        return ENOMEM;
    }
    for (uint32_t i = 0; i < BLOCK_SIZE; i++) {
        int err = fmq__monitor_init(&block[i].monitor);

        if (err != 0) {
            fmq__free(block);
            return err;
        }
    }
    for (uint32_t i = BLOCK_SIZE; i-- > 0;) {
        fmq__hub_init_shell(&block[i].hub);
        block[i].index = n_blocks << BLOCK_BITS | i;
        block[i].next_free = free_shells;
        free_shells = &block[i];
    }
    atomic_store_explicit(&blocks[n_blocks], block, memory_order_release); /* P1 */
    n_blocks++;
    return 0;
}

int
fmq__shell_take(fmq__socket **s)
{
    int err = 0;

    fmq__mutex_lock(&pool_mutex);
    if (free_shells == NULL) {
        err = add_block();
    }
    if (err == 0) {
        *s = free_shells;
        free_shells = (*s)->next_free;
    }
    fmq__mutex_unlock(&pool_mutex);
    return err;
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
fmq__shell_after_fork(bool is_child)
{
    for (fmq__socket *s = free_shells; is_child && s != NULL; s = s->next_free) {
        fmq__lock_init(&s->hub.lock);
        (void)fmq__monitor_init(&s->monitor);
    }
    fmq__mutex_unlock(&pool_mutex);
}

fmq_socket
fmq__shell_handle(const fmq__socket *s)
{
    return fork_part() | (fmq_socket)s->hub.generation << GENERATION_SHIFT |
           (fmq_socket)s->index << MARK_BITS | MARK;
}

int
fmq__socket_enter(fmq_socket handle, bool try_only, fmq__socket **socket)
{
    uint32_t index = (uint32_t)(handle >> MARK_BITS) & ((1U << INDEX_BITS) - 1);
    fmq__socket *block = atomic_load_explicit(&blocks[index >> BLOCK_BITS],
                                              memory_order_acquire); /* P2 */
    fmq__socket *s;

    if ((handle & ((1U << MARK_BITS) - 1)) != MARK || block == NULL ||
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

bool
fmq__socket_is_inherited(fmq_socket handle)
{
    uint32_t index = (uint32_t)(handle >> MARK_BITS) & ((1U << INDEX_BITS) - 1);

    /* P1 -> P2, as above. The memory came along; what is in it is not looked at. */
    return (handle & ((1U << MARK_BITS) - 1)) == MARK &&
           handle >> FORK_SHIFT < fork_part() >> FORK_SHIFT &&
           (handle >> GENERATION_SHIFT & 1) == 1 &&
           atomic_load_explicit(&blocks[index >> BLOCK_BITS], memory_order_acquire) !=
               NULL;
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
    /* A call that need not wait would not come to look at them. */
    fmq__hub_check_notes(&(*socket)->hub);
    return 0;
}
