/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * crash.h - when a lane crashes, leave a note of which and where.
 *
 * The process dies of the signal all the same; the note is in the telemetry,
 * which the front still has mapped.
 */
#pragma once

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "lane_telemetry.h"

static struct telemetry_control *crash_control;
static __thread __u32 crash_slot; /* slot + 1; 0: not a lane */

static void crash_handler(int number, siginfo_t *info, void *context)
{
	union telemetry_entry *entries = (union telemetry_entry *)crash_control;
	__u32 none = 0;

	(void)context;
	/* The first one to crash writes; seq_cst, this is not a hot path. */
	if (__atomic_compare_exchange_n(&crash_control->crash_signal, &none,
					(__u32)number, 0, __ATOMIC_SEQ_CST,
					__ATOMIC_SEQ_CST)) {
		crash_control->crash_address = (__u64)info->si_addr;
		if (crash_slot)
			crash_control->crash_operation =
				entries[crash_slot].lane.operation;
		__atomic_store_n(&crash_control->crash_slot, crash_slot,
				 __ATOMIC_SEQ_CST);
	}
	/* SA_RESETHAND is set: returning repeats the fault, which now kills. */
	if (info->si_code <= 0)
		raise(number);
}

/** crash_watch - the calling thread works for telemetry entry @slot (0: none)
 *
 * Gives the thread a signal stack of its own, so that an overflow of its stack
 * is reported too.
 */
static inline void crash_watch(void *telemetry, __u32 slot)
{
	static __thread void *stack;
	stack_t alternate;

	(void)telemetry;
	crash_slot = slot;
	if (stack)
		return;
	memset(&alternate, 0, sizeof(alternate));
	stack = malloc(64 * 1024);
	alternate.ss_sp = stack;
	alternate.ss_size = 64 * 1024;
	if (stack)
		sigaltstack(&alternate, NULL);
}

static inline void crash_install(void *telemetry)
{
	static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT};
	struct sigaction action;

	crash_control = telemetry;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = crash_handler;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK | (int)SA_RESETHAND;
	for (unsigned int i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
}
