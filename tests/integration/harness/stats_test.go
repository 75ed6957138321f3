// SPDX-License-Identifier: Apache-2.0

package harness

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/hashicorp/nomad/client/structs"
)

func sample(t *testing.T, ch <-chan *structs.TaskResourceUsage, within time.Duration) *structs.TaskResourceUsage {
	t.Helper()
	select {
	case got, open := <-ch:
		if !open {
			t.Fatal("the stream ended")
		}
		if got.ResourceUsage == nil || got.ResourceUsage.MemoryStats == nil || got.ResourceUsage.CpuStats == nil {
			t.Fatalf("sample: %+v", got)
		}
		return got
	case <-time.After(within):
		t.Fatalf("no sample within %v", within)
	}
	return nil
}

func TestStats(t *testing.T) {
	b := newBox(t, shared)
	task, _ := b.start("echo ready; while :; do :; done")
	b.waitForLog(task, "stdout", "ready\n")
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()

	t.Run("first_sample_comes_at_once", func(t *testing.T) {
		ch, err := b.TaskStats(ctx, task.ID, time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		got := sample(t, ch, 10*time.Second)
		if age := time.Since(time.Unix(0, got.Timestamp)); age < -time.Second || age > 10*time.Second {
			t.Errorf("the sample is %v old", age)
		}
		memory, cpu := got.ResourceUsage.MemoryStats, got.ResourceUsage.CpuStats
		if memory.RSS == 0 || memory.RSS > 16<<20 || memory.Usage < memory.RSS || memory.Usage > 16<<20 {
			t.Errorf("memory: %+v", memory)
		}
		for _, name := range []string{"RSS", "Cache", "Usage"} {
			if !slices.Contains(memory.Measured, name) {
				t.Errorf("%s is not measured: %v", name, memory.Measured)
			}
		}
		for _, name := range []string{"System Mode", "User Mode", "Percent"} {
			if !slices.Contains(cpu.Measured, name) {
				t.Errorf("%s is not measured: %v", name, cpu.Measured)
			}
		}
	})
	t.Run("cpu_of_a_busy_loop_is_seen", func(t *testing.T) {
		ch, err := b.TaskStats(ctx, task.ID, 500*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		first := sample(t, ch, limit)
		second := sample(t, ch, limit)
		if second.Timestamp <= first.Timestamp {
			t.Errorf("samples of %d and %d", first.Timestamp, second.Timestamp)
		}
		cpu := second.ResourceUsage.CpuStats
		if cpu.Percent <= 0 || cpu.Percent > 150 || cpu.TotalTicks <= 0 || cpu.UserMode+cpu.SystemMode <= 0 {
			t.Errorf("cpu: %+v", cpu)
		}
	})
	t.Run("stream_ends_with_the_task", func(t *testing.T) {
		ch, err := b.Impl().TaskStats(ctx, task.ID, 100*time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		sample(t, ch, limit)
		if err := b.DestroyTask(task.ID, true); err != nil {
			t.Fatal(err)
		}
		end := time.After(limit)
		for {
			select {
			case _, open := <-ch:
				if !open {
					return
				}
			case <-end:
				t.Fatal("the stream goes on")
			}
		}
	})
	t.Run("unknown_task_has_none", func(t *testing.T) {
		ch, err := b.Impl().TaskStats(ctx, "unknown/task/00000000", time.Second)
		if err != nil {
			t.Fatal(err)
		}
		select {
		case got, open := <-ch:
			if open {
				t.Errorf("sample: %+v", got)
			}
		case <-time.After(limit):
			t.Error("the stream stays open")
		}
	})
}
