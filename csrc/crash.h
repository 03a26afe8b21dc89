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
#include <ucontext.h>
#include <unistd.h>

#include "lane_telemetry.h"

#define CRASH_EXIT 256 /* in place of a signal: something called exit() */

static struct telemetry_control *crash_control;
static __thread __u32 crash_slot; /* slot + 1; 0: not a lane */

/* Where this object was loaded; the linker knows. */
extern const char __ehdr_start[] __attribute__((visibility("hidden")));

static __u64 crash_instruction(const void *context)
{
	const ucontext_t *machine = context;
	__u64 at = 0;

#if defined(__x86_64__)
	at = (__u64)machine->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	at = machine->uc_mcontext.pc;
#endif
	return at ? at - (__u64)__ehdr_start : 0;
}

/* Whether this thread is the first to crash, and so the one to leave a note. */
static bool crash_note(__u32 number)
{
	union telemetry_entry *entries = (union telemetry_entry *)crash_control;
	__u32 none = 0;

	/* seq_cst: this is not a hot path */
	if (!__atomic_compare_exchange_n(&crash_control->crash_signal, &none,
					 number, 0, __ATOMIC_SEQ_CST,
					 __ATOMIC_SEQ_CST))
		return false;
	if (crash_slot)
		crash_control->crash_operation =
			entries[crash_slot].lane.operation;
	crash_control->crash_slot = crash_slot;
	return true;
}

static void crash_handler(int number, siginfo_t *info, void *context)
{
	bool addressed = number == SIGSEGV || number == SIGBUS;

	if (!crash_note((__u32)number))
		/* What one lane broke, others trip over at the same moment.
		 * The first one's note is to be whole when the process dies. */
		for (;;)
			pause();
	/* The kernel knows no address when it is not a possible one. */
	if (addressed && info->si_code > 0 && info->si_code != SI_KERNEL)
		crash_control->crash_address = (__u64)info->si_addr;
	if (info->si_code > 0)
		crash_control->crash_instruction = crash_instruction(context);
	/* Returning repeats the fault, which now kills. */
	signal(number, SIG_DFL);
	if (info->si_code <= 0)
		raise(number);
}

/* The engine itself leaves by _exit(), which comes not by here. */
static void crash_exit(void)
{
	crash_note(CRASH_EXIT);
}

/** crash_watch - the calling thread works for telemetry entry @slot (0: none)
 *
 * Gives the thread a signal stack of its own, so that an overflow of its stack
 * is reported too.
 */
static inline void crash_watch(__u32 slot)
{
	static __thread void *stack;
	stack_t alternate;

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
	static const int fatal[] = {SIGSEGV, SIGBUS,  SIGILL, SIGFPE,
				    SIGABRT, SIGTRAP, SIGSYS};
	struct sigaction action;

	crash_control = telemetry;
	memset(&action, 0, sizeof(action));
	action.sa_sigaction = crash_handler;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	for (unsigned int i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		sigaction(fatal[i], &action, NULL);
	atexit(crash_exit);
}
