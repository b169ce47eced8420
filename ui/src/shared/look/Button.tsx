// A button: plain, or the one thing to do here.
import type { ButtonHTMLAttributes, Ref } from "react";
import css from "./Button.module.css";

export interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "main" | "danger" | "quiet";
  keys?: string;
  ref?: Ref<HTMLButtonElement>;
}

export function Button({ look = "plain", keys, title, className = "", type = "button", ...rest }: ButtonProps) {
  const hint = [title, keys ? `(${keys})` : ""].filter(Boolean).join(" ");
  return <button type={type} className={`${css.button} ${css[look]} ${className}`} {...(hint === "" ? {} : { title: hint })} {...rest} />;
}
