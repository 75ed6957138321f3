// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/hashicorp/nomad/plugins/drivers"
	dproto "github.com/hashicorp/nomad/plugins/drivers/proto"
	"github.com/hashicorp/nomad/plugins/drivers/testutils"
)

// startBooted boots the Debian image and waits until its systemd has nothing to do any more.
func (b *box) startBooted() *drivers.TaskConfig {
	b.t.Helper()
	debian := filepath.Join(os.Getenv("NSPAWN_TEST_DIR"), "images/debian")
	if _, err := os.Stat(debian); err != nil {
		b.t.Skip("there is no Debian image")
	}
	task := b.task(map[string]any{"image": debian, "boot": true, "volatile": "overlay", "read_only": false, "command": []string{}})
	task.Resources.NomadResources.Memory.MemoryMB = 256
	task.Resources.LinuxResources.MemoryLimitBytes = 256 << 20
	if _, _, err := b.StartTask(task); err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = b.Impl().DestroyTask(task.ID, true) })
	until(b.t, "systemd is up inside", func() (bool, string) {
		out, _ := exec.Command("systemctl", "-M", task.Name+"-"+task.AllocID, "is-system-running").CombinedOutput()
		return strings.TrimSpace(string(out)) == "running", string(out)
	})
	return task
}

// TestExecConformance runs Nomad's own conformance tests of ExecTaskStreaming.
func TestExecConformance(t *testing.T) {
	t.Run("not_booted", func(t *testing.T) {
		t.Parallel()
		b := newBox(t, shared)
		task, _ := b.startReady("")
		testutils.ExecTaskStreamingConformanceTests(t, b.DriverHarness, task.ID)
	})
	t.Run("booted", func(t *testing.T) {
		t.Parallel()
		b := newBox(t, shared)
		task := b.startBooted()
		testutils.ExecTaskStreamingConformanceTests(t, b.DriverHarness, task.ID)
	})
}

func (b *box) exec(t *testing.T, task *drivers.TaskConfig, command ...string) *drivers.ExecTaskResult {
	t.Helper()
	got, err := b.ExecTask(task.ID, command, limit)
	if err != nil {
		t.Fatalf("%q: %v", command, err)
	}
	if got.ExitResult == nil {
		t.Fatalf("%q: no result", command)
	}
	return got
}

// gone waits until no process of the task has word in its command line. ps in the task sees no other processes.
func (b *box) gone(t *testing.T, task *drivers.TaskConfig, word string) {
	t.Helper()
	until(t, "no process "+word, func() (bool, string) {
		seen := string(b.exec(t, task, "/bin/sh", "-c", "ps").Stdout)
		return !strings.Contains(seen, word), seen
	})
}

func TestExecTask(t *testing.T) {
	b := newBox(t, shared)
	task, _ := b.startReady("trap 'exit 0' TERM")
	for name, row := range map[string]struct {
		command          []string
		stdout, stderr   string
		code             int
		signal           syscall.Signal
		partOfTheErrors  bool
		outputIsNotAsked bool
	}{
		"output":         {command: []string{"/bin/sh", "-c", "echo out; echo err >&2; exit 43"}, stdout: "out\n", stderr: "err\n", code: 43},
		"no_output":      {command: []string{"true"}},
		"no_input":       {command: []string{"cat"}},
		"killed":         {command: []string{"/bin/sh", "-c", "kill -KILL $$"}, code: 137, signal: syscall.SIGKILL},
		"no_program":     {command: []string{"nosuchprogram"}, stderr: "nosuchprogram", code: 127, partOfTheErrors: true},
		"not_executable": {command: []string{"/etc/passwd"}, stderr: "/etc/passwd", code: 126, partOfTheErrors: true},
		"environment":    {command: []string{"/bin/sh", "-c", "echo $NOMAD_ALLOC_ID $NOMAD_TASK_DIR"}, stdout: task.AllocID + " /local\n"},
		"much":           {command: []string{"/bin/sh", "-c", "head -c 3000000 /dev/zero | tr '\\0' x"}, stdout: strings.Repeat("x", 3000000)},
		"memory":         {command: []string{"tail", "/dev/zero"}, code: 137, signal: syscall.SIGKILL, outputIsNotAsked: true},
	} {
		t.Run(name, func(t *testing.T) {
			got := b.exec(t, task, row.command...)
			if got.ExitResult.ExitCode != row.code || got.ExitResult.Signal != int(row.signal) {
				t.Errorf("the command ended with %+v, not code %d, signal %d; stderr %q", got.ExitResult, row.code, row.signal, got.Stderr)
			}
			stdout, stderr := string(got.Stdout), string(got.Stderr)
			if row.outputIsNotAsked {
				return
			}
			if stdout != row.stdout {
				t.Errorf("stdout has %d bytes, not %d: %.100q", len(stdout), len(row.stdout), stdout)
			}
			if row.partOfTheErrors && !strings.Contains(stderr, row.stderr) || !row.partOfTheErrors && stderr != row.stderr {
				t.Errorf("stderr: %q, not %q", stderr, row.stderr)
			}
		})
	}
	t.Run("timeout", func(t *testing.T) {
		_, err := b.ExecTask(task.ID, []string{"/bin/sh", "-c", "sleep 4711 & sleep 4711"}, 1500*time.Millisecond)
		expectError(t, err, "1.5s", "killed")
		b.gone(t, task, "4711")
	})
	t.Run("no_command", func(t *testing.T) {
		_, err := b.ExecTask(task.ID, nil, limit)
		expectError(t, err, "command")
	})
	t.Run("unknown_task", func(t *testing.T) {
		_, err := b.ExecTask("unknown/task/00000000", []string{"true"}, limit)
		expectError(t, err, drivers.ErrTaskNotFound.Error())
	})
	t.Run("many_at_once", func(t *testing.T) {
		var group sync.WaitGroup
		for range 20 {
			group.Add(1)
			go func() {
				defer group.Done()
				got, err := b.ExecTask(task.ID, []string{"/bin/sh", "-c", "echo out; echo err >&2"}, limit)
				if err != nil || string(got.Stdout) != "out\n" || string(got.Stderr) != "err\n" || got.ExitResult.ExitCode != 0 {
					t.Errorf("%+v %v", got, err)
				}
			}()
		}
		group.Wait()
	})
	t.Run("still_runs", func(t *testing.T) {
		if err := b.WaitUntilStarted(task.ID, limit); err != nil {
			t.Fatal(err)
		}
		if err := b.StopTask(task.ID, limit, ""); err != nil {
			t.Fatal(err)
		}
		expectEnd(t, b, task.ID, 0, 0)
	})
	t.Run("ended_task", func(t *testing.T) {
		_, err := b.ExecTask(task.ID, []string{"true"}, limit)
		expectError(t, err, "not run")
	})
}

// A user is the peer of an ExecTaskStreaming call: it sends the messages of input, and passes what it gets to output.
type user struct {
	ctx    context.Context
	input  chan *drivers.ExecTaskStreamingRequestMsg
	output chan *drivers.ExecTaskStreamingResponseMsg
}

func (u *user) Recv() (*drivers.ExecTaskStreamingRequestMsg, error) {
	select {
	case message := <-u.input:
		return message, nil
	case <-u.ctx.Done():
		return nil, io.EOF
	}
}

func (u *user) Send(message *drivers.ExecTaskStreamingResponseMsg) error {
	select {
	case u.output <- message:
		return nil
	case <-u.ctx.Done():
		return u.ctx.Err()
	}
}

// run runs a command. The user's output is closed when the command has ended; the error of the call follows.
func (b *box) run(ctx context.Context, task *drivers.TaskConfig, tty bool, command ...string) (*user, <-chan error) {
	u := &user{ctx, make(chan *drivers.ExecTaskStreamingRequestMsg), make(chan *drivers.ExecTaskStreamingResponseMsg)}
	ended := make(chan error, 1)
	go func() {
		ended <- b.Impl().(drivers.ExecTaskStreamingRawDriver).ExecTaskStreamingRaw(ctx, task.ID, command, tty, u)
		close(u.output)
	}()
	return u, ended
}

// TestExecPassesLargeData sends more than all buffers on the way can hold, and expects the same bytes back.
func TestExecPassesLargeData(t *testing.T) {
	t.Parallel()
	const piece, pieces = 64 << 10, 1600
	b := newBox(t, shared)
	task, _ := b.startReady("")
	ctx, cancel := context.WithTimeout(context.Background(), 3*limit)
	defer cancel()
	begin := time.Now()
	u, ended := b.run(ctx, task, false, "tee", "/local/much")
	sent, received := sha256.New(), sha256.New()
	go func() {
		bytes := make([]byte, piece)
		rand.New(rand.NewSource(1)).Read(bytes)
		for i := range pieces {
			binary.BigEndian.PutUint64(bytes, uint64(i))
			sent.Write(bytes)
			message := &drivers.ExecTaskStreamingRequestMsg{
				Stdin: &dproto.ExecTaskStreamingIOOperation{Data: append([]byte{}, bytes...)}}
			select {
			case u.input <- message:
			case <-ctx.Done():
				return
			}
		}
		u.input <- &drivers.ExecTaskStreamingRequestMsg{Stdin: &dproto.ExecTaskStreamingIOOperation{Close: true}}
	}()
	size, code := 0, int32(-1)
	for message := range u.output {
		if message.Stdout != nil {
			received.Write(message.Stdout.Data)
			size += len(message.Stdout.Data)
		}
		if message.Exited {
			code = message.Result.ExitCode
		}
	}
	if err := <-ended; err != nil || code != 0 || size != piece*pieces {
		t.Fatalf("error %v, code %d, %d bytes of %d", err, code, size, piece*pieces)
	}
	t.Logf("%d MiB in %v", size>>20, time.Since(begin))
	wanted := hex.EncodeToString(sent.Sum(nil))
	if got := hex.EncodeToString(received.Sum(nil)); got != wanted {
		t.Errorf("other bytes came back: %s, not %s", got, wanted)
	}
	if got := string(b.exec(t, task, "sha256sum", "/local/much").Stdout); !strings.HasPrefix(got, wanted) {
		t.Errorf("other bytes were written: %s, not %s", got, wanted)
	}
}

func TestExecOfAUserWhoGoesAwayIsKilled(t *testing.T) {
	t.Parallel()
	b := newBox(t, shared)
	task, _ := b.startReady("")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	u, ended := b.run(ctx, task, true, "/bin/sh", "-c", "sleep 4712 & echo ready; sleep 4712")
	for text := ""; !strings.Contains(text, "ready"); {
		select {
		case message := <-u.output:
			text += string(message.GetStdout().GetData())
		case err := <-ended:
			t.Fatalf("the command ended: %v", err)
		case <-time.After(limit):
			t.Fatal("no output")
		}
	}
	cancel()
	if err := <-ended; err == nil || errors.Is(err, io.EOF) {
		t.Errorf("the user who went away got the error %v", err)
	}
	b.gone(t, task, "4712")
}
