/** An answer of EC2 other than 200. */
export class Ec2Refusal extends Error {
  override name = "Ec2Refusal";
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}
