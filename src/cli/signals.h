/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <systemd/sd-event.h>

/* Has a signal come to the loop, for as long as that lives. Return: 0 or a negative errno. */
int signal_take(sd_event *event, int signal, sd_event_signal_handler_t handler, void *userdata);

/**
 * signals_take_orders() - have the orders to end come to the loop: SIGINT, SIGTERM, SIGHUP
 *
 * SIGHUP stays ignored where it is (nohup(1)). A shell without job control has its background commands
 * ignore SIGINT; who sends that nevertheless means it.
 *
 * Return: 0 or a negative errno.
 */
int signals_take_orders(sd_event *event, sd_event_signal_handler_t handler, void *userdata);
