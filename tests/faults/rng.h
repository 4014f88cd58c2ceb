/* Chance that a seed fixes: splitmix64. */
#ifndef TONGZHOU_TESTS_FAULTS_RNG_H
#define TONGZHOU_TESTS_FAULTS_RNG_H

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t rng_next(uint64_t *state)
{
    uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

/* 0..n-1 */
static inline uint64_t rng_below(uint64_t *state, uint64_t n)
{
    return rng_next(state) % n;
}

static inline bool rng_one_in(uint64_t *state, uint64_t n)
{
    return rng_below(state, n) == 0;
}

#endif
