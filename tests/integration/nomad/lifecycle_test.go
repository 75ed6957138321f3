// SPDX-License-Identifier: Apache-2.0

package nomad

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/hashicorp/nomad/api"
)

func init() {
	for _, id := range []string{"ends", "away", "signals", "collector", "journal"} {
		add(id, embedded(id), false)
		jobs[id].late = true
	}
}

// startLate starts all late jobs at once, unless a single test is run.
func startLate() {
	if pattern := flag.Lookup("test.run").Value.String(); pattern != "" && pattern != "." {
		return
	}
	for _, j := range jobs {
		if j.late {
			_ = j.start()
		}
	}
}

// An end of a task, as the API reports it.
type end struct {
	code, signal int
	outOfMemory  bool
}

// expectEnd waits for the end of a task, which must be its only one.
func expectEnd(t *testing.T, alloc *api.Allocation, wanted end) {
	t.Helper()
	s := waitForState(t, alloc, "task", "dead")
	var ends []*api.TaskEvent
	for _, e := range s.Events {
		if e.Type == api.TaskTerminated {
			ends = append(ends, e)
		}
	}
	if len(ends) != 1 || s.Restarts != 0 {
		t.Fatalf("%d ends, %d restarts:\n%s", len(ends), s.Restarts, events(s))
	}
	got := ends[0]
	if got.ExitCode != wanted.code || got.Signal != wanted.signal ||
		got.Details["exit_code"] != strconv.Itoa(wanted.code) || got.Details["signal"] != strconv.Itoa(wanted.signal) ||
		got.Details["oom_killed"] != strconv.FormatBool(wanted.outOfMemory) {
		t.Errorf("not %+v:\n%v\n%s", wanted, got.Details, events(s))
	}
	if s.Failed != (wanted.code != 0) {
		t.Errorf("failed: %v\n%s", s.Failed, events(s))
	}
	if wanted.outOfMemory {
		expect(t, events(s), "OOM Killed")
	}
}

func byGroup(t *testing.T, id string, count int) map[string]*api.Allocation {
	t.Helper()
	groups := map[string]*api.Allocation{}
	for _, alloc := range start(t, id, count) {
		groups[alloc.TaskGroup] = alloc
	}
	return groups
}

func TestEndsAreReportedExactly(t *testing.T) {
	startLate()
	wanted := map[string]end{
		"code-0":   {},
		"code-1":   {code: 1},
		"code-7":   {code: 7},
		"code-133": {code: 133},
		"code-255": {code: 255},
		"kill":     {code: 137, signal: 9},
		"segv":     {code: 139, signal: 11},
		"memory":   {code: 137, signal: 9, outOfMemory: true},
	}
	allocs := byGroup(t, "ends", len(wanted))
	for group, end := range wanted {
		t.Run(group, func(t *testing.T) {
			expectEnd(t, allocs[group], end)
		})
	}
}

// local returns the path of a file that the task has in /local.
func local(alloc *api.Allocation, name string) string {
	return filepath.Join(directory, "data/alloc", alloc.ID, "task/local", name)
}

func letGo(t *testing.T, alloc *api.Allocation) {
	t.Helper()
	if err := os.WriteFile(local(alloc, "go"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func kill(t *testing.T, pid int) {
	t.Helper()
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
}

func killAgent(t *testing.T) {
	t.Helper()
	kill(t, agent.Process.Pid)
	<-agentGone
}

func restartAgent(t *testing.T) {
	t.Helper()
	if err := startAgent(); err != nil {
		t.Fatal(err)
	}
	if err := waitForDriver(); err != nil {
		t.Fatal(err)
	}
}

// collectors returns the pids of the log collectors that serve an allocation.
func collectors(alloc *api.Allocation) (pids []int) {
	links, _ := filepath.Glob("/proc/[0-9]*/fd/*")
	seen := map[int]bool{}
	for _, link := range links {
		parts := strings.Split(link, "/")
		pid, _ := strconv.Atoi(parts[2])
		to, err := os.Readlink(link)
		if err != nil || seen[pid] || !strings.Contains(to, alloc.ID) {
			continue
		}
		line, _ := os.ReadFile(filepath.Join("/proc", parts[2], "cmdline"))
		if arguments := strings.Split(string(line), "\x00"); len(arguments) > 1 && arguments[1] == "logmon" {
			seen[pid] = true
			pids = append(pids, pid)
		}
	}
	return pids
}

func lines(n int) string {
	var text strings.Builder
	for i := 0; i < n; i++ {
		fmt.Fprintln(&text, i)
	}
	return text.String()
}

// Nomad starts a log collector again only when it is itself started again, so one test covers both.
func TestEndsAndOutputWhileNomadIsAwayAreNotLost(t *testing.T) {
	groups := byGroup(t, "away", 6)
	writer := start(t, "collector", 1)[0]
	// No job may be in the middle of its start when the agent is killed.
	for _, id := range []string{"signals", "journal", "exec"} {
		waitForState(t, start(t, id, 1)[0], "task", "running")
	}
	for _, alloc := range groups {
		waitForLog(t, alloc, "task", "stdout", "ready\n")
	}

	waitForLog(t, writer, "task", "stdout", "\n49\n")
	found := collectors(writer)
	if len(found) != 1 {
		t.Fatalf("log collectors: %v", found)
	}
	kill(t, found[0])
	letGo(t, writer)
	// The task may get no SIGPIPE, nor wait: a pipe that nobody reads holds this much.
	until(t, "the task wrote on without a collector", func() (bool, string) {
		_, err := os.Stat(local(writer, "wrote"))
		return err == nil, fmt.Sprint(err)
	})

	endWhile := func(away string) {
		for group, alloc := range groups {
			if strings.HasPrefix(group, away) {
				letGo(t, alloc)
			}
		}
		for group, alloc := range groups {
			if strings.HasPrefix(group, away) {
				until(t, group+" ended", func() (bool, string) {
					got := output(t, "systemctl", "show", "-P", "ActiveState", unitOf(alloc, "task"))
					return got == "inactive" || got == "failed", got
				})
			}
		}
	}
	killAgent(t)
	endWhile("agent")
	restartAgent(t)

	t.Run("output", func(t *testing.T) {
		text := waitForLog(t, writer, "task", "stdout", "\n199\n")
		if text != lines(200) {
			t.Errorf("log:\n%s", text)
		}
		if s := state(t, writer, "task"); s.State != "running" || s.Restarts != 0 {
			t.Errorf("%s, %d restarts\n%s", s.State, s.Restarts, events(s))
		}
	})
	// A second run would end in the same way, so the output has to show that there was only one.
	expectOneEnd := func(t *testing.T, group string, wanted end) {
		t.Helper()
		expectEnd(t, groups[group], wanted)
		if text := logs(groups[group], "task", "stdout"); text != "ready\n" {
			t.Errorf("%s did not run once:\n%s%s", group, text, events(state(t, groups[group], "task")))
		}
	}
	t.Run("agent_killed", func(t *testing.T) {
		expectOneEnd(t, "agent-code", end{code: 7})
		expectOneEnd(t, "agent-zero", end{})
		expectOneEnd(t, "agent-signal", end{code: 139, signal: 11})
	})

	plugin := pluginPid()
	if plugin == 0 {
		t.Fatal("there is not exactly one plugin")
	}
	killAgent(t)
	kill(t, plugin)
	endWhile("plugin")
	restartAgent(t)
	t.Run("agent_and_plugin_killed", func(t *testing.T) {
		expectOneEnd(t, "plugin-code", end{code: 9})
		expectOneEnd(t, "plugin-zero", end{})
		expectOneEnd(t, "plugin-signal", end{code: 137, signal: 9})
	})
	stop(t, "collector")
	if s := waitForState(t, writer, "task", "dead"); s.Failed {
		t.Errorf("failed:\n%s", events(s))
	}
}

func TestAllocSignalReachesThePayload(t *testing.T) {
	t.Parallel()
	alloc := start(t, "signals", 1)[0]
	waitForLog(t, alloc, "task", "stdout", "ready\n")
	for _, row := range []struct{ name, said string }{
		{"SIGHUP", "HUP"}, {"SIGINT", "INT"}, {"SIGQUIT", "QUIT"}, {"SIGUSR1", "USR1"}, {"SIGALRM", "ALRM"},
		{strconv.Itoa(int(syscall.SIGUSR2)), "USR2"}, {strconv.Itoa(int(syscall.SIGWINCH)), "WINCH"},
	} {
		if err := client.Allocations().Signal(alloc, nil, "task", row.name); err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		waitForLog(t, alloc, "task", "stdout", "got "+row.said+"\n")
	}
	for _, name := range []string{"SIGNONSENSE", "99"} {
		if err := client.Allocations().Signal(alloc, nil, "task", name); err == nil {
			t.Errorf("%s is taken for a signal", name)
		} else {
			expect(t, err.Error(), name)
		}
	}
	stop(t, "signals")
	expectEnd(t, alloc, end{})
}

func TestStatsOfAnAllocation(t *testing.T) {
	t.Parallel()
	alloc := start(t, "journal", 1)[0]
	waitForState(t, alloc, "task", "running")
	until(t, "memory and CPU of the task", func() (bool, string) {
		stats, err := client.Allocations().Stats(alloc, nil)
		if err != nil {
			return false, err.Error()
		}
		task := stats.Tasks["task"]
		if task == nil || task.ResourceUsage == nil || task.ResourceUsage.MemoryStats == nil || task.ResourceUsage.CpuStats == nil {
			return false, fmt.Sprintf("%+v", task)
		}
		memory, cpu := task.ResourceUsage.MemoryStats, task.ResourceUsage.CpuStats
		return memory.RSS > 0 && memory.RSS < 16<<20 && cpu.Percent > 0 && cpu.TotalTicks > 0,
			fmt.Sprintf("%+v %+v", memory, cpu)
	})
}

func TestOutputGoesToTheJournalWhenLogsAreDisabled(t *testing.T) {
	t.Parallel()
	alloc := start(t, "journal", 1)[0]
	waitForState(t, alloc, "task", "running")
	until(t, "its output in the journal", func() (bool, string) {
		got := output(t, "journalctl", "-o", "cat", "NOMAD_ALLOC_ID="+alloc.ID)
		return strings.Contains(got, "to the journal") && strings.Contains(got, "errors too"), got
	})
	if found := collectors(alloc); len(found) != 0 {
		t.Errorf("log collectors: %v", found)
	}
}
