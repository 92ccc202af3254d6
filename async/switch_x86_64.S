/* void fm_ctx_switch(void **save_sp, void *to_sp): keeps what the System V ABI says a callee keeps.
 * int fm_ctx_jump(void **save_sp, void *to_sp, int value): the same with an indirect jump at the end;
 * what it comes to returns value (ctx_jump in ctx.h). */
#if defined(__x86_64__) && !defined(FM_UCONTEXT)
	.text

	.macro save_and_go
	endbr64
	pushq %rbp
	.cfi_adjust_cfa_offset 8
	.cfi_rel_offset %rbp, 0
	pushq %rbx
	.cfi_adjust_cfa_offset 8
	pushq %r12
	.cfi_adjust_cfa_offset 8
	pushq %r13
	.cfi_adjust_cfa_offset 8
	pushq %r14
	.cfi_adjust_cfa_offset 8
	pushq %r15
	.cfi_adjust_cfa_offset 8
	movq %rsp, (%rdi)
	movq %rsi, %rsp
	popq %r15
	.cfi_adjust_cfa_offset -8
	popq %r14
	.cfi_adjust_cfa_offset -8
	popq %r13
	.cfi_adjust_cfa_offset -8
	popq %r12
	.cfi_adjust_cfa_offset -8
	popq %rbx
	.cfi_adjust_cfa_offset -8
	popq %rbp
	.cfi_adjust_cfa_offset -8
	.cfi_restore %rbp
	.endm

	.globl fm_ctx_switch
	.type fm_ctx_switch,@function
	.p2align 4
fm_ctx_switch:
	.cfi_startproc
	save_and_go
	ret
	.cfi_endproc
	.size fm_ctx_switch,.-fm_ctx_switch

	.globl fm_ctx_jump
	.type fm_ctx_jump,@function
	.p2align 4
fm_ctx_jump:
	.cfi_startproc
	save_and_go
	movl %edx, %eax
	popq %rcx
	.cfi_adjust_cfa_offset -8
	.cfi_register %rip, %rcx
	jmpq *%rcx
	.cfi_endproc
	.size fm_ctx_jump,.-fm_ctx_jump

/* r12 = function, r13 = its argument. An undefined return address ends backtraces here. */
	.globl fm_ctx_entry
	.type fm_ctx_entry,@function
fm_ctx_entry:
	.cfi_startproc
	.cfi_undefined %rip
	endbr64
	xorl %ebp, %ebp
	movq %r13, %rdi
	callq *%r12
	ud2
	.cfi_endproc
	.size fm_ctx_entry,.-fm_ctx_entry
#endif
	.section .note.GNU-stack,"",%progbits
