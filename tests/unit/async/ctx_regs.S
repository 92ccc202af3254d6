/* void regs_across(void *fn, void **save_sp, void *to_sp, uint64_t *words): loads every
 * register that a callee must keep from words, calls fn(save_sp, to_sp), which comes back some time,
 * and stores them to where they came from. */
#if defined(__x86_64__)
	.text
	.globl regs_across
	.type regs_across,@function
regs_across:
	pushq %rbp
	pushq %rbx
	pushq %r12
	pushq %r13
	pushq %r14
	pushq %r15
	pushq %rcx
	movq %rdi, %rax
	movq %rsi, %rdi
	movq %rdx, %rsi
	movq 0(%rcx), %rbx
	movq 8(%rcx), %rbp
	movq 16(%rcx), %r12
	movq 24(%rcx), %r13
	movq 32(%rcx), %r14
	movq 40(%rcx), %r15
	callq *%rax
	popq %rcx
	movq %rbx, 0(%rcx)
	movq %rbp, 8(%rcx)
	movq %r12, 16(%rcx)
	movq %r13, 24(%rcx)
	movq %r14, 32(%rcx)
	movq %r15, 40(%rcx)
	popq %r15
	popq %r14
	popq %r13
	popq %r12
	popq %rbx
	popq %rbp
	ret
	.size regs_across,.-regs_across
#elif defined(__aarch64__)
	.text
	.globl regs_across
	.type regs_across,%function
	.p2align 2
regs_across:
	sub sp, sp, #176
	stp x19, x20, [sp, #0]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	str x3, [sp, #160]
	mov x9, x0
	mov x0, x1
	mov x1, x2
	ldp x19, x20, [x3, #0]
	ldp x21, x22, [x3, #16]
	ldp x23, x24, [x3, #32]
	ldp x25, x26, [x3, #48]
	ldp x27, x28, [x3, #64]
	ldp d8, d9, [x3, #80]
	ldp d10, d11, [x3, #96]
	ldp d12, d13, [x3, #112]
	ldp d14, d15, [x3, #128]
	blr x9
	ldr x3, [sp, #160]
	stp x19, x20, [x3, #0]
	stp x21, x22, [x3, #16]
	stp x23, x24, [x3, #32]
	stp x25, x26, [x3, #48]
	stp x27, x28, [x3, #64]
	stp d8, d9, [x3, #80]
	stp d10, d11, [x3, #96]
	stp d12, d13, [x3, #112]
	stp d14, d15, [x3, #128]
	ldp x19, x20, [sp, #0]
	ldp x21, x22, [sp, #16]
	ldp x23, x24, [sp, #32]
	ldp x25, x26, [sp, #48]
	ldp x27, x28, [sp, #64]
	ldp x29, x30, [sp, #80]
	ldp d8, d9, [sp, #96]
	ldp d10, d11, [sp, #112]
	ldp d12, d13, [sp, #128]
	ldp d14, d15, [sp, #144]
	add sp, sp, #176
	ret
	.size regs_across,.-regs_across
#endif
	.section .note.GNU-stack,"",%progbits
