// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/plugins/base"
	bstructs "github.com/hashicorp/nomad/plugins/base/structs"
	"github.com/hashicorp/nomad/plugins/drivers"
)

// stored is a handle as an agent reads it from its state after a restart: the job's config is not in it.
func stored(t *testing.T, handle *drivers.TaskHandle) *drivers.TaskHandle {
	t.Helper()
	var bytes []byte
	got := &drivers.TaskHandle{}
	if err := base.MsgPackEncode(&bytes, handle); err != nil {
		t.Fatal(err)
	}
	if err := base.MsgPackDecode(bytes, got); err != nil {
		t.Fatal(err)
	}
	return got
}

// After a kill of the agent the plugin still runs, and the next agent connects to it.
func TestRecoverTaskOfThePluginThatStillRuns(t *testing.T) {
	t.Parallel()
	p := own(t)
	b := newBox(t, p)
	task, handle := b.startReady("trap 'exit 4' TERM")
	reattach, ok := p.instance.ReattachConfig()
	if !ok {
		t.Fatal("no reattach config")
	}
	instance, err := p.loader.Reattach("nspawn", base.PluginTypeDriver, reattach)
	if err != nil {
		t.Fatal(err)
	}
	again := instance.Plugin().(drivers.DriverPlugin)
	for range 2 {
		if err := again.RecoverTask(stored(t, handle)); err != nil {
			t.Fatal(err)
		}
	}
	if err := again.StopTask(task.ID, limit, ""); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, again, task.ID, 4, 0)
	expectEnd(t, b, task.ID, 4, 0)
}

func TestRecoverTaskAfterThePluginWasKilled(t *testing.T) {
	t.Parallel()
	p := own(t)
	b := newBox(t, p)
	task, handle := b.startReady("trap 'echo bye; exit 8' TERM")
	pid := unitProperty(t, task, "MainPID")
	ch, err := p.WaitTask(context.Background(), task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	// Only with this error does an agent start the plugin again; any other means to it that the task is gone.
	if got := <-ch; got == nil || !errors.Is(got.Err, bstructs.ErrPluginShutdown) {
		t.Fatalf("WaitTask returned %+v", got)
	}

	next := own(t)
	t.Cleanup(func() { _ = next.DestroyTask(task.ID, true) })
	if _, err := next.InspectTask(task.ID); err == nil {
		t.Error("the new plugin knows the task before it was recovered")
	}
	if err := next.RecoverTask(stored(t, handle)); err != nil {
		t.Fatal(err)
	}
	c := newBox(t, next)
	if err := c.WaitUntilStarted(task.ID, limit); err != nil {
		t.Fatal(err)
	}
	if got := unitProperty(t, task, "MainPID"); got != pid {
		t.Errorf("another process: %s, was %s", got, pid)
	}
	if err := c.StopTask(task.ID, limit, ""); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, c, task.ID, 8, 0)
	c.waitForLog(task, "stdout", "bye\n")
}

func TestRecoverTaskRefusesInWordsAndAtOnce(t *testing.T) {
	t.Parallel()
	p := own(t)
	b := newBox(t, p)
	task, handle := b.startReady("")
	other := own(t)
	const unreadable = "the task's saved state cannot be read"
	refuse := func(t *testing.T, change func(h *drivers.TaskHandle), words ...string) {
		t.Helper()
		h := stored(t, handle)
		change(h)
		begin := time.Now()
		expectError(t, other.RecoverTask(h), words...)
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("it took %v", took)
		}
	}
	t.Run("newer_handle", func(t *testing.T) {
		refuse(t, func(h *drivers.TaskHandle) { h.Version = 1000 }, "started by a newer driver (handle version 1000,")
	})
	t.Run("no_state", func(t *testing.T) {
		refuse(t, func(h *drivers.TaskHandle) { h.DriverState = nil }, unreadable)
	})
	t.Run("broken_state", func(t *testing.T) {
		refuse(t, func(h *drivers.TaskHandle) { h.DriverState = h.DriverState[:len(h.DriverState)/2] }, unreadable)
	})
	if err := b.DestroyTask(task.ID, true); err != nil {
		t.Fatal(err)
	}
	t.Run("task_is_gone", func(t *testing.T) {
		refuse(t, func(h *drivers.TaskHandle) {}, drivers.ErrTaskNotFound.Error()+": "+unitOf(task), "how it ended is not known")
	})
}

func TestEndWhileThePluginIsDeadIsKnownAfterwards(t *testing.T) {
	for name, row := range map[string]struct {
		end    string
		code   int
		signal syscall.Signal
	}{
		"code":   {"exit 13", 13, 0},
		"zero":   {"exit 0", 0, 0},
		"signal": {"kill -SEGV $$", 139, syscall.SIGSEGV},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := own(t)
			b := newBox(t, p)
			task, handle := b.start("echo ready; until test -e /local/go; do usleep 50000; done; " + row.end)
			b.waitForLog(task, "stdout", "ready\n")
			if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			next := own(t)
			if err := os.WriteFile(filepath.Join(task.AllocDir, task.Name, "local/go"), nil, 0o644); err != nil {
				t.Fatal(err)
			}
			until(t, "the unit's end", func() (bool, string) {
				got := unitProperty(t, task, "ActiveState")
				return got == "inactive" || got == "failed", got
			})
			t.Cleanup(func() { _ = next.DestroyTask(task.ID, true) })
			if err := next.RecoverTask(stored(t, handle)); err != nil {
				t.Fatal(err)
			}
			expectEnd(t, next, task.ID, row.code, row.signal)
			status, err := next.InspectTask(task.ID)
			if err != nil {
				t.Fatal(err)
			}
			if status.State != drivers.TaskStateExited || status.CompletedAt.Before(status.StartedAt) ||
				status.CompletedAt.After(time.Now()) {
				t.Errorf("status: %+v", status)
			}
			if err := next.DestroyTask(task.ID, false); err != nil {
				t.Error(err)
			}
		})
	}
}

// A plugin that dies in the middle of StartTask is started again and given the same task once more.
func TestStartOfTheSameTaskByTheNextPlugin(t *testing.T) {
	t.Parallel()
	p := own(t)
	b := newBox(t, p)
	task, _ := b.startReady("trap 'exit 4' TERM")
	pid := unitProperty(t, task, "MainPID")
	if err := syscall.Kill(p.pid(), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	next := own(t)
	t.Cleanup(func() { _ = next.DestroyTask(task.ID, true) })
	handle, _, err := next.StartTask(task)
	if err != nil {
		t.Fatal(err)
	}
	if handle.Config.ID != task.ID || len(handle.DriverState) == 0 {
		t.Errorf("handle: %+v", handle)
	}
	if got := unitProperty(t, task, "MainPID"); got != pid {
		t.Errorf("another process: %s, was %s", got, pid)
	}
	if err := next.StopTask(task.ID, limit, ""); err != nil {
		t.Fatal(err)
	}
	expectEnd(t, next, task.ID, 4, 0)
}
