// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/nomad/structs"
	"github.com/hashicorp/nomad/plugins/drivers"
)

func TestExitCodeIsThePayloads(t *testing.T) {
	for _, code := range []int{0, 1, 7, 255} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shared)
			task, handle := b.start("exit " + strconv.Itoa(code))
			if handle.State != drivers.TaskStateRunning || handle.Config.ID != task.ID || len(handle.DriverState) == 0 {
				t.Errorf("handle: %+v", handle)
			}
			expectEnd(t, b, task.ID, code, 0)
			// An agent asks again after its restart, so the result must stay until the task is destroyed.
			expectEnd(t, b.Impl(), task.ID, code, 0)
		})
	}
}

func TestOutputReachesTheLogFilesOfNomadsCollector(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	task, _ := b.start("echo out; echo err >&2; head -c 300000 /dev/zero; echo end; echo end >&2")
	expectEnd(t, b, task.ID, 0, 0)
	b.waitForLog(task, "stdout", "end\n")
	b.waitForLog(task, "stderr", "end\n")
	if got, wanted := b.log(task, "stdout"), "out\n"+strings.Repeat("\x00", 300000)+"end\n"; got != wanted {
		t.Errorf("stdout has %d bytes of %d", len(got), len(wanted))
	}
	if got := b.log(task, "stderr"); got != "err\nend\n" {
		t.Errorf("stderr: %q", got)
	}
}

func TestEnvironmentOfTheHarnessArrives(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	task := b.task(map[string]any{"environment": map[string]any{"FROM_OPTION": "option"}},
		"/bin/sh", "-c", "echo $NOMAD_ALLOC_ID $NOMAD_ALLOC_DIR $NOMAD_TASK_DIR $NOMAD_SECRETS_DIR $FROM_OPTION; "+
			"echo x >$NOMAD_ALLOC_DIR/data/x && echo x >$NOMAD_TASK_DIR/x && echo x >$NOMAD_SECRETS_DIR/x")
	if _, _, err := b.StartTask(task); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Impl().DestroyTask(task.ID, true) })
	expectEnd(t, b, task.ID, 0, 0)
	b.waitForLog(task, "stdout", task.AllocID+" /alloc /local /secrets option\n")
}

func TestStartFailsInWordsAndLeavesNothing(t *testing.T) {
	rows := map[string]struct {
		options map[string]any
		words   []string
	}{
		"no_image":   {map[string]any{"image": "/no/such/image"}, []string{"/no/such/image"}},
		"no_command": {map[string]any{"command": []string{"nosuchprogram"}}, []string{"nosuchprogram"}},
		"together":   {map[string]any{"boot": true, "process_two": true}, []string{"process_two", "boot"}},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shared)
			task := b.task(row.options, "/bin/true")
			_, _, err := b.StartTask(task)
			expectError(t, err, row.words...)
			if structs.IsRecoverable(err) {
				t.Errorf("the error is recoverable: %v", err)
			}
			_, err = b.InspectTask(task.ID)
			expectError(t, err, drivers.ErrTaskNotFound.Error())
			until(t, "no unit", func() (bool, string) {
				got := unitProperty(t, task, "LoadState")
				return got == "not-found", got
			})
		})
	}
}

func TestStartOfARunningTaskIsRefused(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	task, _ := b.startReady("")
	_, _, err := b.StartTask(task)
	expectError(t, err, "already")
	if err := b.WaitUntilStarted(task.ID, limit); err != nil {
		t.Error(err)
	}
}

func TestStopTask(t *testing.T) {
	rows := map[string]struct {
		traps, signal, said string
		timeout             time.Duration
		code                int
		killed              syscall.Signal
	}{
		"default_signal":    {"trap 'echo term; exit 9' TERM", "", "term\n", limit, 9, 0},
		"kill_signal":       {"trap 'echo int; exit 11' INT; trap 'exit 1' TERM", "SIGINT", "int\n", limit, 11, 0},
		"other_kill_signal": {"trap 'echo usr; exit 12' USR2; trap 'exit 1' TERM", "SIGUSR2", "usr\n", limit, 12, 0},
		"ignored":           {"trap '' TERM", "SIGTERM", "", 2 * time.Second, 137, syscall.SIGKILL},
		"no_timeout":        {"trap '' TERM", "", "", 0, 137, syscall.SIGKILL},
	}
	for name, row := range rows {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBox(t, shared)
			task, _ := b.startReady(row.traps)
			begin := time.Now()
			if err := b.StopTask(task.ID, row.timeout, row.signal); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(begin); row.killed != 0 && took < row.timeout || took > row.timeout+30*time.Second {
				t.Errorf("it took %v, with a timeout of %v", took, row.timeout)
			}
			if pid := unitProperty(t, task, "MainPID"); pid != "0" {
				t.Errorf("process %s still runs after StopTask", pid)
			}
			expectEnd(t, b, task.ID, row.code, row.killed)
			b.waitForLog(task, "stdout", row.said)
			if err := b.StopTask(task.ID, row.timeout, row.signal); err != nil {
				t.Errorf("second StopTask: %v", err)
			}
		})
	}
}

func TestDestroyTask(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	t.Run("needs_force_for_a_running_task", func(t *testing.T) {
		task, _ := b.startReady("trap '' TERM")
		expectError(t, b.DestroyTask(task.ID, false), "force")
		if err := b.WaitUntilStarted(task.ID, limit); err != nil {
			t.Fatal(err)
		}
		ended := make(chan *drivers.ExitResult, 1)
		ch, err := b.WaitTask(context.Background(), task.ID)
		if err != nil {
			t.Fatal(err)
		}
		go func() { ended <- <-ch }()
		if err := b.DestroyTask(task.ID, true); err != nil {
			t.Fatal(err)
		}
		if got := <-ended; got == nil || got.ExitCode != 137 || got.Signal != int(syscall.SIGKILL) {
			t.Errorf("WaitTask returned %+v", got)
		}
		_, err = b.InspectTask(task.ID)
		expectError(t, err, drivers.ErrTaskNotFound.Error())
		until(t, "no unit", func() (bool, string) {
			got := unitProperty(t, task, "LoadState")
			return got == "not-found", got
		})
	})
	t.Run("needs_no_force_for_an_ended_task", func(t *testing.T) {
		task, _ := b.start("exit 3")
		expectEnd(t, b, task.ID, 3, 0)
		if err := b.DestroyTask(task.ID, false); err != nil {
			t.Fatal(err)
		}
		_, err := b.InspectTask(task.ID)
		expectError(t, err, drivers.ErrTaskNotFound.Error())
	})
}

// Over gRPC an agent gets only the text of the error that drivers in Go return.
func TestUnknownTask(t *testing.T) {
	t.Parallel()
	const id = "7a1cf0ab-0000-4000-8000-000000000000/task/00000000"
	_, err := shared.InspectTask(id)
	expectError(t, err, drivers.ErrTaskNotFound.Error())
	expectError(t, wait(t, shared, id).Err, drivers.ErrTaskNotFound.Error())
	// With an error an agent would repeat both calls forever, or never forget the task.
	if err := shared.StopTask(id, time.Second, ""); err != nil {
		t.Errorf("stop: %v", err)
	}
	for _, force := range []bool{false, true} {
		if err := shared.DestroyTask(id, force); err != nil {
			t.Errorf("destroy: %v", err)
		}
	}
}

func TestInspectTaskReportsStateAndTimes(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	before := time.Now().Add(-time.Second)
	task, _ := b.startReady("trap 'exit 5' TERM")
	got, err := b.InspectTask(task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if got.ID != task.ID || got.Name != task.Name || got.State != drivers.TaskStateRunning ||
		got.StartedAt.Before(before) || got.StartedAt.After(time.Now()) || !got.CompletedAt.IsZero() {
		t.Errorf("running: %+v", got)
	}
	if got.DriverAttributes["unit"] != unitOf(task) {
		t.Errorf("attributes: %v", got.DriverAttributes)
	}
	if _, err := exec.Command("kill", "-0", got.DriverAttributes["pid"]).Output(); err != nil {
		t.Errorf("pid %s: %v", got.DriverAttributes["pid"], err)
	}
	if err := b.StopTask(task.ID, limit, ""); err != nil {
		t.Fatal(err)
	}
	ended, err := b.InspectTask(task.ID)
	if err != nil {
		t.Fatal(err)
	}
	if ended.State != drivers.TaskStateExited || ended.ExitResult.ExitCode != 5 || !ended.StartedAt.Equal(got.StartedAt) ||
		ended.CompletedAt.Before(ended.StartedAt) || ended.CompletedAt.After(time.Now()) {
		t.Errorf("ended: %+v, %+v", ended, ended.ExitResult)
	}
}

func TestWaitThatIsGivenUpLeavesTheTaskAlone(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	task, _ := b.startReady("trap 'exit 6' TERM")
	ctx, cancel := context.WithCancel(context.Background())
	given, err := b.WaitTask(ctx, task.ID)
	if err != nil {
		t.Fatal(err)
	}
	var others []<-chan *drivers.ExitResult
	for range 3 {
		ch, err := b.WaitTask(context.Background(), task.ID)
		if err != nil {
			t.Fatal(err)
		}
		others = append(others, ch)
	}
	cancel()
	if got := <-given; got != nil && got.Err == nil {
		t.Errorf("the cancelled WaitTask returned %+v", got)
	}
	if err := b.StopTask(task.ID, limit, ""); err != nil {
		t.Fatal(err)
	}
	for i, ch := range others {
		if got := <-ch; got == nil || got.ExitCode != 6 {
			t.Errorf("%d: %+v", i, got)
		}
	}
}

func TestEventsNameTheTask(t *testing.T) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	b := newBox(t, shared)
	ch, err := b.TaskEvents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	before := time.Now().Add(-time.Second)
	task, _ := b.start("exit 0")
	var seen []string
	for event := range ch {
		if event.Err != nil {
			t.Fatalf("%v, after %v", event.Err, seen)
		}
		// The stream may begin with events of earlier tests, which nobody read.
		if event.TaskID != task.ID {
			continue
		}
		seen = append(seen, event.Message)
		if event.AllocID != task.AllocID || event.TaskName != task.Name ||
			event.Timestamp.Before(before) || event.Timestamp.After(time.Now()) {
			t.Errorf("event: %+v", event)
		}
		if event.Message == fmt.Sprintf("Started %s", unitOf(task)) {
			return
		}
	}
	t.Errorf("events: %v", seen)
}
