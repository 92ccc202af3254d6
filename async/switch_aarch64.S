/* void fm_ctx_switch(void **save_sp, void *to_sp): keeps x19-x30 and d8-d15, as AAPCS64 asks.
 * int fm_ctx_jump(void **save_sp, void *to_sp, int value): the same; what it comes to returns value. */
#if defined(__aarch64__) && !defined(FM_UCONTEXT)
	.text
	.globl fm_ctx_switch
	.globl fm_ctx_jump
	.type fm_ctx_switch,%function
	.type fm_ctx_jump,%function
	.p2align 4
fm_ctx_jump:
fm_ctx_switch:
	.cfi_startproc
	sub sp, sp, #160
	.cfi_def_cfa_offset 160
	stp x19, x20, [sp, #0]
	stp x21, x22, [sp, #16]
	stp x23, x24, [sp, #32]
	stp x25, x26, [sp, #48]
	stp x27, x28, [sp, #64]
	stp x29, x30, [sp, #80]
	.cfi_offset x29, -80
	.cfi_offset x30, -72
	stp d8, d9, [sp, #96]
	stp d10, d11, [sp, #112]
	stp d12, d13, [sp, #128]
	stp d14, d15, [sp, #144]
	mov x9, sp
	str x9, [x0]
	mov sp, x1
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
	add sp, sp, #160
	mov w0, w2
	br x30
	.cfi_endproc
	.size fm_ctx_switch,.-fm_ctx_switch

/* x19 = function, x20 = its argument. */
	.globl fm_ctx_entry
	.type fm_ctx_entry,%function
fm_ctx_entry:
	.cfi_startproc
	.cfi_undefined x30
	mov x29, #0
	mov x0, x20
	blr x19
	brk #1
	.cfi_endproc
	.size fm_ctx_entry,.-fm_ctx_entry
#endif
	.section .note.GNU-stack,"",%progbits
