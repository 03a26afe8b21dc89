// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* runtime_plan.c - draw a lane's operations before the clock starts. */
#include <math.h>
#include <stddef.h>

#include "lane_telemetry.h"
#include "runtime.h"

/* splitmix64: Steele, Lea and Flood, OOPSLA 2014. */
static __u64 next_random(__u64 *state)
{
	__u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

/* 0..n-1 without a division: Lemire, ACM TOMACS 2019 (bias below 2^-64 n). */
static __u64 below(__u64 *state, __u64 n)
{
	return (__u64)((unsigned __int128)next_random(state) * n >> 64);
}

static double unit(__u64 *state)
{
	return (double)(next_random(state) >> 11) * 0x1p-53;
}

/*
 * Zipf by rejection-inversion: Hormann and Derflinger, ACM TOMACS 1996. Needs
 * no table of n weights, so a large key range costs nothing to set up.
 */
struct zipf {
	double exponent, h_x1, h_n, s;
	__u64 n;
};

/* (exp(x) - 1) / x and log(1 + x) / x, without cancellation near 0 */
static double expm1_by(double x)
{
	return fabs(x) > 1e-8 ? expm1(x) / x : 1 + x / 2;
}

static double log1p_by(double x)
{
	return fabs(x) > 1e-8 ? log1p(x) / x : 1 - x / 2;
}

static double h_integral(const struct zipf *z, double x)
{
	double log_x = log(x);

	return expm1_by((1 - z->exponent) * log_x) * log_x;
}

static double h(const struct zipf *z, double x)
{
	return exp(-z->exponent * log(x));
}

static double h_inverse(const struct zipf *z, double x)
{
	double t = x * (1 - z->exponent);

	if (t < -1)
		t = -1;
	return exp(log1p_by(t) * x);
}

static void zipf_begin(struct zipf *z, __u64 n, double exponent)
{
	z->n = n;
	z->exponent = exponent;
	z->h_x1 = h_integral(z, 1.5) - 1;
	z->h_n = h_integral(z, (double)n + 0.5);
	z->s = 2 - h_inverse(z, h_integral(z, 2.5) - h(z, 2));
}

/* A rank, 1 the most likely. */
static __u64 zipf_next(const struct zipf *z, __u64 *state)
{
	for (;;) {
		double u = z->h_n + unit(state) * (z->h_x1 - z->h_n);
		double x = h_inverse(z, u), k = floor(x + 0.5);

		if (k < 1)
			k = 1;
		else if (k > (double)z->n)
			k = (double)z->n;
		if (k - x <= z->s || u >= h_integral(z, k + 0.5) - h(z, k))
			return (__u64)k;
	}
}

int plan_draw(const struct plan_request *request, __u64 *plan, __u64 count)
{
	__u64 state = request->seed, total = 0;
	struct zipf zipf;

	/* Streams far apart: the seed of each is itself drawn. */
	state ^= (request->stream + 1) * 0xd1342543de82ef95ULL;
	state = next_random(&state);
	for (size_t i = 0; i < 8; i++)
		total += request->weights[i];
	if (!total || !request->keys)
		return -1;
	if (request->theta > 0)
		zipf_begin(&zipf, request->keys, request->theta);
	for (__u64 i = 0; i < count; i++) {
		__u64 pick = below(&state, total), key;
		__u32 type = 0;

		while (pick >= request->weights[type])
			pick -= request->weights[type++];
		/* Popular keys are spread over the range: in an ordered
		 * structure they would otherwise all be neighbours. */
		key = request->theta > 0
			      ? (__u64)((unsigned __int128)zipf_next(&zipf,
								     &state) *
					2654435761ULL % request->keys)
			      : below(&state, request->keys);
		plan[i] = PLAN_ENTRY(type, key + 1);
	}
	return 0;
}
