#include "cache/cache_generations.h"
#include "base/uuid.h"
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { SLOTS = 4096, LOCKS = 64, ALL_TENANTS = 0 };

/* The numbers of one tenant. position changes whenever something is forgotten here. */
struct slot {
    int32_t tenant_id;
    unsigned known, shared;
    uint64_t position;
    uint64_t numbers[CACHE_KIND_COUNT];
};

struct cache_generations {
    atomic_bool have_unshared;
    pthread_rwlock_t locks[LOCKS]; /* every request looks, so looking keeps nobody waiting */
    struct slot slots[SLOTS + 1];  /* the last is for all */
};

struct cache_generations *cache_generations_new(void)
{
    struct cache_generations *generations = calloc(1, sizeof *generations);
    for (size_t i = 0; generations && i < LOCKS; i++)
        pthread_rwlock_init(&generations->locks[i], NULL);
    return generations;
}

void cache_generations_free(struct cache_generations *generations)
{
    for (size_t i = 0; generations && i < LOCKS; i++)
        pthread_rwlock_destroy(&generations->locks[i]);
    free(generations);
}

uint64_t cache_generation_new(void)
{
    uint64_t number = 0;
    while (number == 0)
        random_bytes(&number, sizeof number);
    return number;
}

static struct slot *slot_of(struct cache_generations *generations, int32_t tenant_id)
{
    return &generations->slots[tenant_id == ALL_TENANTS ? SLOTS : (size_t)((uint32_t)tenant_id * 2654435761u % SLOTS)];
}

static pthread_rwlock_t *lock_of(struct cache_generations *generations, const struct slot *slot)
{
    return &generations->locks[(size_t)(slot - generations->slots) % LOCKS];
}

/* The slot of the tenant, locked. Another tenant's numbers in it go: it asks again. */
static struct slot *lock_slot(struct cache_generations *generations, int32_t tenant_id)
{
    struct slot *slot = slot_of(generations, tenant_id);
    pthread_rwlock_wrlock(lock_of(generations, slot));
    if (slot->tenant_id != tenant_id) {
        slot->tenant_id = tenant_id;
        slot->known = slot->shared = 0;
        slot->position++;
    }
    return slot;
}

/* The same to look only; where another tenant has the slot, as above. */
static const struct slot *lock_slot_to_look(struct cache_generations *generations, int32_t tenant_id)
{
    struct slot *slot = slot_of(generations, tenant_id);
    pthread_rwlock_rdlock(lock_of(generations, slot));
    if (slot->tenant_id == tenant_id)
        return slot;
    pthread_rwlock_unlock(lock_of(generations, slot));
    return lock_slot(generations, tenant_id);
}

static void unlock_slot(struct cache_generations *generations, const struct slot *slot)
{
    pthread_rwlock_unlock(lock_of(generations, slot));
}

/* Numbers are random, so any mixing that minds the order will do. */
static uint64_t mix(uint64_t value, uint64_t number)
{
    value = (value ^ number) * 0x9e3779b97f4a7c15u;
    return value ^ (value >> 32);
}

static void look_at(struct cache_generations *generations, int32_t tenant_id, unsigned kinds, struct cache_stamp *stamp,
    unsigned *out_missing, uint64_t *out_position)
{
    const struct slot *slot = lock_slot_to_look(generations, tenant_id);
    *out_missing = kinds & ~slot->known;
    *out_position = slot->position;
    stamp->is_shared = stamp->is_shared && (kinds & ~slot->shared) == 0;
    for (unsigned kind = 0; kind < CACHE_KIND_COUNT; kind++)
        if (kinds & (1u << kind))
            stamp->value = mix(stamp->value, slot->numbers[kind]);
    unlock_slot(generations, slot);
}

void cache_generations_look(
    struct cache_generations *generations, int32_t tenant_id, unsigned kinds, struct cache_stamp *out_stamp)
{
    unsigned all_missing;
    *out_stamp = (struct cache_stamp){ .tenant_id = tenant_id, .kinds = kinds, .is_shared = true };
    look_at(
        generations, ALL_TENANTS, cache_kind_bit(CACHE_KIND_ANY), out_stamp, &all_missing, &out_stamp->all_position);
    out_stamp->all_is_missing = all_missing != 0;
    if (tenant_id == ALL_TENANTS) /* what is public depends on the number for all alone */
        out_stamp->kinds = 0;
    else
        look_at(generations, tenant_id, kinds, out_stamp, &out_stamp->missing, &out_stamp->tenant_position);
}

void cache_generations_learn(struct cache_generations *generations, const struct cache_stamp *looked, bool is_for_all,
    enum cache_kind kind, uint64_t number, bool is_shared)
{
    struct slot *slot = lock_slot(generations, is_for_all ? ALL_TENANTS : looked->tenant_id);
    if (slot->position == (is_for_all ? looked->all_position : looked->tenant_position)) {
        slot->numbers[kind] = number;
        slot->known |= cache_kind_bit(kind);
        if (is_shared)
            slot->shared |= cache_kind_bit(kind);
        else
            slot->shared &= ~cache_kind_bit(kind);
        if (!is_shared)
            atomic_store(&generations->have_unshared, true);
    }
    unlock_slot(generations, slot);
}

static void forget(struct slot *slot, unsigned kinds)
{
    slot->known &= ~kinds;
    slot->shared &= ~kinds;
    slot->position++;
}

void cache_generations_forget(struct cache_generations *generations, int32_t tenant_id, unsigned kinds)
{
    struct slot *slot = lock_slot(generations, tenant_id);
    forget(slot, kinds);
    unlock_slot(generations, slot);
}

static void forget_each(struct cache_generations *generations, bool even_shared)
{
    for (size_t i = 0; i <= SLOTS; i++) {
        struct slot *slot = &generations->slots[i];
        pthread_rwlock_wrlock(lock_of(generations, slot));
        bool is_used = slot->tenant_id != ALL_TENANTS || i == SLOTS; /* pages that nobody used stay untouched */
        unsigned kinds = !is_used ? 0 : even_shared ? ~0u : slot->known & ~slot->shared;
        if (kinds)
            forget(slot, kinds);
        unlock_slot(generations, slot);
    }
}

void cache_generations_forget_all(struct cache_generations *generations)
{
    forget_each(generations, true);
}

bool cache_generations_have_unshared(const struct cache_generations *generations)
{
    return atomic_load(&generations->have_unshared);
}

void cache_generations_forget_unshared(struct cache_generations *generations)
{
    atomic_store(&generations->have_unshared, false); /* before: one that is learned meanwhile counts again */
    forget_each(generations, false);
}
