// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"fmt"
	"strconv"
	"syscall"
	"testing"

	"github.com/hashicorp/nomad/plugins/drivers"
)

func TestDeathBySignalIsReportedAsOne(t *testing.T) {
	for name, signal := range map[string]syscall.Signal{
		"KILL": syscall.SIGKILL, "SEGV": syscall.SIGSEGV, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP,
		"USR1": syscall.SIGUSR1, "TERM": syscall.SIGTERM,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shared)
			task, _ := b.start("kill -" + name + " $$")
			expectEnd(t, b, task.ID, 128+int(signal), signal)
		})
	}
}

// nspawn gives some exit codes a meaning of its own, and codes above 128 look like signals.
func TestExitCodesThatMeanSomethingElseToOthers(t *testing.T) {
	for _, code := range []int{130, 133, 137, 139} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shared)
			task, _ := b.start("exit " + strconv.Itoa(code))
			expectEnd(t, b, task.ID, code, 0)
		})
	}
}

func TestSignalTask(t *testing.T) {
	capabilities, err := shared.Capabilities()
	if err != nil {
		t.Fatal(err)
	}
	if !capabilities.SendSignals {
		t.Error("the driver says that it sends no signals")
	}
	b := newBox(t, shared)
	task, _ := b.startReady("trap 'echo hup' HUP; trap 'echo usr1' USR1; trap 'echo usr2' USR2; trap 'exit 0' TERM")
	for _, row := range []struct{ name, said string }{
		{"SIGHUP", "hup"}, {"SIGUSR1", "usr1"}, {strconv.Itoa(int(syscall.SIGUSR2)), "usr2"},
	} {
		t.Run(row.name, func(t *testing.T) {
			if err := b.SignalTask(task.ID, row.name); err != nil {
				t.Fatal(err)
			}
			b.waitForLog(task, "stdout", row.said+"\n")
		})
	}
	for _, name := range []string{"", "SIGNONSENSE", "NONSENSE", "0", "-1", "65", "10x"} {
		t.Run(fmt.Sprintf("refused_%q", name), func(t *testing.T) {
			expectError(t, b.SignalTask(task.ID, name), fmt.Sprintf(
				`signal: "%s" is not a signal: must be a name such as SIGHUP, or a number from 1 to 64`, name))
		})
	}
	t.Run("unknown_task", func(t *testing.T) {
		expectError(t, b.SignalTask("unknown/task/00000000", "SIGHUP"), drivers.ErrTaskNotFound.Error())
	})
	t.Run("still_runs", func(t *testing.T) {
		if err := b.WaitUntilStarted(task.ID, limit); err != nil {
			t.Error(err)
		}
	})
	t.Run("that_kills", func(t *testing.T) {
		if err := b.SignalTask(task.ID, "SIGKILL"); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, b, task.ID, 137, syscall.SIGKILL)
	})
	t.Run("ended_task", func(t *testing.T) {
		if err := b.SignalTask(task.ID, "SIGHUP"); err == nil {
			t.Error("no error")
		}
	})
}

func TestOutOfMemoryIsReported(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	task, _ := b.start("exec tail /dev/zero")
	got := wait(t, b, task.ID)
	if !got.OOMKilled || got.ExitCode != 137 || got.Signal != int(syscall.SIGKILL) {
		t.Errorf("the task ended with %+v", got)
	}
	// Nomad shows this error as the message of the exit; its own drivers use the same text.
	expectError(t, got.Err, "OOM Killed")
}
