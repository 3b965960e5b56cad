; Helpers and the caller of a program share a job, shard by shard: see team.py.
;
; A job, of 64 bits each: the number of the next shard; how many there are; where their calls lie;
; whether a result is odd; the job's own length; the caller's workspace, then the helpers'.
; A post: the job, or 0, or 1 while it is being taken down; eight words later, in a cache line of
; its own, how many are at work. A helper joins, and then looks once more: so it sees that the job
; is taken down, or is seen by whoever does that.
; Where YIELD stands, other threads that wait for this core have it first.

; Run shards until none is left. `which` is the place of the workspace in the job.
define internal void @take(ptr %job, i64 %which) {
  %many.at = getelementptr i64, ptr %job, i64 1
  %many = load i64, ptr %many.at
  %calls.at = getelementptr i64, ptr %job, i64 2
  %calls = load ptr, ptr %calls.at
  %odd.at = getelementptr i64, ptr %job, i64 3
  %end.at = getelementptr i64, ptr %job, i64 4
  %end = load i64, ptr %end.at
  %needed = icmp slt i64 %which, %end
  br i1 %needed, label %begin, label %done
begin:
  %space.at = getelementptr i64, ptr %job, i64 %which
  %space = load ptr, ptr %space.at
  %run.at = getelementptr i64, ptr %space, i64 2
  %run = load ptr, ptr %run.at
  br label %next
next:
  %i = atomicrmw add ptr %job, i64 1 monotonic
  %more = icmp slt i64 %i, %many
  br i1 %more, label %work, label %done
work:
  %call = getelementptr [8 x i64], ptr %calls, i64 %i
  %own = getelementptr i64, ptr %call, i64 6
  store ptr %space, ptr %own
  %found = call i64 %run(ptr %call)
  %before = atomicrmw or ptr %odd.at, i64 %found monotonic
  br label %next
done:
  ret void
}

; Post a job, help with it, take it down, and wait for those who are at work. Is a result odd?
; -1 where another job is there.
define i64 @share(ptr %post, ptr %job) {
  %busy = getelementptr i64, ptr %post, i64 8
  %posting = cmpxchg ptr %post, ptr null, ptr %job seq_cst seq_cst
  %posted = extractvalue { ptr, i1 } %posting, 1
  br i1 %posted, label %begin, label %other
other:
  ret i64 -1
begin:
  call void @take(ptr %job, i64 5)
  store atomic ptr inttoptr (i64 1 to ptr), ptr %post seq_cst, align 8
  br label %wait
wait:
  ; YIELD
  %many = load atomic i64, ptr %busy seq_cst, align 8
  %some = icmp ne i64 %many, 0
  br i1 %some, label %wait, label %done
done:
  store atomic ptr null, ptr %post seq_cst, align 8
  %odd.at = getelementptr i64, ptr %job, i64 3
  %odd = load i64, ptr %odd.at
  ret i64 %odd
}

; Join the jobs that are posted, until nothing was to be seen for so many looks.
define void @serve(ptr %post, i64 %which, i64 %patience) {
  %busy = getelementptr i64, ptr %post, i64 8
  br label %look
look:
  %left = phi i64 [%patience, %0], [%fewer, %wait], [%patience, %leave]
  %seen = load atomic ptr, ptr %post acquire, align 8
  %nothing = icmp ule ptr %seen, inttoptr (i64 1 to ptr)
  br i1 %nothing, label %wait, label %enter
wait:
  ; YIELD
  %fewer = sub i64 %left, 1
  %over = icmp slt i64 %fewer, 0
  br i1 %over, label %sleep, label %look
enter:
  %in = atomicrmw add ptr %busy, i64 1 seq_cst
  %job = load atomic ptr, ptr %post seq_cst, align 8
  %late = icmp ule ptr %job, inttoptr (i64 1 to ptr)
  br i1 %late, label %leave, label %work
work:
  call void @take(ptr %job, i64 %which)
  br label %leave
leave:
  %out = atomicrmw sub ptr %busy, i64 1 seq_cst
  br label %look
sleep:
  ret void
}
